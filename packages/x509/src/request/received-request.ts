import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { DER_TAG, type DerElement, readDerElements, readDerSequence } from '../encoding/der.ts';
import { EXTENSION } from '../certificate/certificate.ts';
import { readGeneralNames } from '../certificate/details.ts';
import { X509Error } from '../errors.ts';

/** The fields of a certificate signing request (PKCS#10, RFC 2986) that matter for its approval. */
export interface SigningRequest {
  /** SHA-256 of its public key (SubjectPublicKeyInfo), in hexadecimal. */
  readonly publicKey: string;
  readonly commonName: string | undefined;
  readonly organizations: readonly string[];
  /** Whether it requests extensions, such as subject alternative names; a kubelet's client certificate needs none. */
  readonly hasExtensions: boolean;
  /** The requested names, for example `DNS:localhost` or `IP:10.0.0.1`; a name of another kind has its kind alone. */
  readonly subjectAltNames: readonly string[];
  /** Whether it requests more than a common name, organizations and subject alternative names. */
  readonly hasOtherContent: boolean;
}

const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';
/** 1.2.840.113549.1.9.14, extensionRequest (RFC 2985 section 5.4.2). */
const EXTENSION_REQUEST = '2a864886f70d01090e';
/** Signature algorithms of kubelets and openssl, by their OID, with the digest for node. */
const SIGNATURES: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/**
 * Digest that identifies a key in a request.
 *
 * @param pem a private key, a public key or a certificate
 */
export function publicKeyDigest(pem: string): string {
  const key = pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  return digestOf(key);
}

/** Parses an untrusted request; `undefined` when it is invalid, or its sender does not hold its key. */
export function readSigningRequest(pem: string): SigningRequest | undefined {
  const [, text = ''] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(pem) ?? [];
  try {
    return decode(Buffer.from(text, 'base64'));
  } catch (error) {
    if (error instanceof X509Error || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

function decode(der: Buffer): SigningRequest | undefined {
  const [info, algorithm, signature] = readDerSequence(der);
  if (info === undefined || algorithm === undefined || signature === undefined) return undefined;
  const [, subject, key, attributes] = readDerSequence(info.bytes);
  if (subject === undefined || key === undefined) return undefined;
  const digest = SIGNATURES[oidIn(algorithm)];
  const publicKey = createPublicKey({ key: Buffer.from(key.bytes), format: 'der', type: 'spki' });
  // The first byte of a bit string counts its unused bits.
  if (digest === undefined || !verify(digest, info.bytes, publicKey, signature.content.subarray(1))) return undefined;
  const names = readDerSequence(subject.bytes).flatMap(({ content }) => readDerElements(content));
  const textsOf = (oid: string): readonly string[] =>
    names.flatMap((pair) =>
      oidIn(pair) === oid ? [Buffer.from(readDerSequence(pair.bytes)[1]?.content ?? []).toString('utf8')] : [],
    );
  const commonNames = textsOf(COMMON_NAME);
  const organizations = textsOf(ORGANIZATION);
  const requested = attributes === undefined ? [] : readDerElements(attributes.content);
  const extensions = requested.flatMap(extensionsIn);
  const altNames = extensions.filter((extension) => oidIn(extension) === EXTENSION.subjectAltName);
  return {
    publicKey: digestOf(publicKey),
    commonName: commonNames.length === 1 ? commonNames[0] : undefined,
    organizations,
    hasExtensions: (attributes?.content.length ?? 0) > 0,
    subjectAltNames: altNames.flatMap(({ bytes }) => readGeneralNames(readDerSequence(bytes).at(-1)?.content ?? bytes)),
    hasOtherContent:
      names.length !== commonNames.length + organizations.length ||
      requested.some((attribute) => oidIn(attribute) !== EXTENSION_REQUEST) ||
      altNames.length > 1 ||
      altNames.length !== extensions.length,
  };
}

/** The extensions that an attribute of a request holds. */
function extensionsIn(attribute: DerElement): readonly DerElement[] {
  if (oidIn(attribute) !== EXTENSION_REQUEST) return [];
  const [, values] = readDerSequence(attribute.bytes);
  return values === undefined ? [] : readDerElements(values.content).flatMap(({ bytes }) => readDerSequence(bytes));
}

function digestOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function oidIn({ bytes }: DerElement): string {
  const [first] = readDerSequence(bytes);
  return first?.tag === DER_TAG.oid ? Buffer.from(first.content).toString('hex') : '';
}
