import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { sha256 } from '@kube-rescue/workflow';

/** What a certificate signing request (PKCS#10, RFC 2986) says that matters for its approval. */
export interface SigningRequest {
  /** SHA-256 of its public key (SubjectPublicKeyInfo), in hexadecimal. */
  readonly publicKey: string;
  readonly commonName: string | undefined;
  readonly organizations: readonly string[];
  /** Names beside the subject are asked for; a kubelet's client certificate has none. */
  readonly hasExtensions: boolean;
}

const [SEQUENCE, SET, OID] = [0x30, 0x31, 0x06];
const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';
/** Signature algorithms that kubelets and openssl use, by their OID, with the digest that node takes. */
const SIGNATURES: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/**
 * Digest by which a key is recognised in a request.
 *
 * @param pem a private key, a public key or a certificate
 */
export function publicKeyDigest(pem: string): string {
  const key = pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  return sha256(key.export({ type: 'spki', format: 'der' }));
}

/** Reads a request that anybody may have sent; `undefined` when it is none, or who sent it does not have its key. */
export function readSigningRequest(pem: string): SigningRequest | undefined {
  const [, text = ''] = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(pem) ?? [];
  try {
    return decode(Buffer.from(text, 'base64'));
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

function decode(der: Buffer): SigningRequest | undefined {
  const [info, algorithm, signature] = childrenOf(elementAt(der, 0, der.length, SEQUENCE));
  if (info === undefined || algorithm === undefined || signature === undefined) return undefined;
  const [, subject, key, attributes] = childrenOf(info);
  if (subject === undefined || key === undefined) return undefined;
  const digest = SIGNATURES[oidIn(algorithm)];
  const publicKey = createPublicKey({ key: key.whole, format: 'der', type: 'spki' });
  // The first byte of a bit string counts its unused bits.
  if (digest === undefined || !verify(digest, info.whole, publicKey, signature.content.subarray(1))) return undefined;
  const names = childrenOf(subject).flatMap((set) => childrenOf({ ...set, tag: set.tag === SET ? SEQUENCE : 0 }));
  const textsOf = (oid: string): readonly string[] =>
    names.flatMap((pair) => (oidIn(pair) === oid ? [childrenOf(pair)[1]?.content.toString('utf8') ?? ''] : []));
  const commonNames = textsOf(COMMON_NAME);
  return {
    publicKey: sha256(publicKey.export({ type: 'spki', format: 'der' })),
    commonName: commonNames.length === 1 ? commonNames[0] : undefined,
    organizations: textsOf(ORGANIZATION),
    hasExtensions: (attributes?.content.length ?? 0) > 0,
  };
}

interface Element {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** @throws RangeError */
function elementAt(bytes: Buffer, start: number, end: number, tag?: number): Element {
  const found = bytes.readUInt8(start);
  const first = bytes.readUInt8(start + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 4) throw new RangeError('a length without end');
  const length = more === 0 ? first & 0x7f : bytes.readUIntBE(start + 2, more);
  const from = start + 2 + more;
  if (from + length > end || (tag !== undefined && found !== tag)) throw new RangeError('not what was expected');
  return { tag: found, whole: bytes.subarray(start, from + length), content: bytes.subarray(from, from + length) };
}

function childrenOf({ tag, content }: Pick<Element, 'tag' | 'content'>): readonly Element[] {
  if (tag !== SEQUENCE) throw new RangeError('not a sequence');
  const children: Element[] = [];
  for (let at = 0; at < content.length; at += children.at(-1)?.whole.length ?? content.length) {
    children.push(elementAt(content, at, content.length));
  }
  return children;
}

function oidIn(sequence: Element): string {
  const [first] = childrenOf(sequence);
  return first?.tag === OID ? first.content.toString('hex') : '';
}
