import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate, subjectKeyIdentifier } from '../certificate/certificate.ts';
import { assertSubjectNames, isDnsName, keyIdentifierOf, type Usage } from '../certificate/extensions.ts';
import { X509Error } from '../errors.ts';
import { publicKeyDerOf } from '../keys/private-key.ts';
import { loadForgeEncoding, type NewExtensions, type NewSubject } from './forge-encoding.ts';
import { assertIssued, assertSelfSignedCa } from './issued-check.ts';
import { signatureAlgorithmOf, signCertificate } from './signature.ts';

/** The wanted fields of a certificate or request without a template. */
interface ScratchInput {
  readonly subject: NewSubject;
  /** DNS names and IP addresses. Default: none. */
  readonly names?: readonly string[] | undefined;
  /** Extended key usages. Default: none, which allows every use. */
  readonly usages?: readonly Usage[] | undefined;
  readonly isCa?: boolean | undefined;
  /** How many CAs may be below it; only for a CA. Default: any number. */
  readonly pathLength?: number | undefined;
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** RFC 5280 section 4.2.1.3, the first bit 0x80. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_ENCIPHERMENT = 0x20;
const KEY_CERT_SIGN = 0x04;

/**
 * Issues a certificate without a template, in the shape of kubeadm's (`app/util/pkiutil` NewSignedCert): key usages and basic
 * constraints critical, extended key usages, the key identifier of the issuer, names; for a CA also its own key identifier. An
 * Ed25519 key gets no `keyEncipherment`, which RFC 8410 section 5 forbids.
 *
 * The issuer's name and the public key are copied byte for byte. OpenSSL verifies the certificate before it is returned.
 *
 * @param input.publicKey the key of the certificate, public or private
 * @throws X509Error `PKI_NAME_INVALID` `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export async function issueFromScratch(
  input: ScratchInput & {
    readonly publicKey: KeyObject;
    readonly issuer: { readonly certificate: Certificate; readonly key: KeyObject; readonly keySource: string };
    readonly validity: Validity;
  },
): Promise<Certificate> {
  const { issuer, validity, subject } = input;
  const source = describeSubject(input);
  const algorithm = signatureAlgorithmOf(issuer.key, issuer.keySource);
  const authorityKeyId = subjectKeyIdentifier(issuer.certificate) ?? keyIdentifierOf(issuer.certificate.publicKeyDer);
  const publicKey = input.publicKey.type === 'private' ? createPublicKey(input.publicKey) : input.publicKey;
  const publicKeyDer = publicKey.export({ format: 'der', type: 'spki' });
  const extensions = planExtensions(input, publicKey, { publicKeyDer, authorityKeyId });
  const { encodeBody } = await loadForgeEncoding();
  const body = encodeBody({
    algorithmDer: algorithm.identifierDer,
    issuerDer: issuer.certificate.subjectDer,
    validity,
    subject,
    publicKeyDer,
    extensions,
  });
  const issued = parseCertificate(signCertificate(body, algorithm, issuer.key), source);
  assertIssued(issued, { issuer: issuer.certificate, validity, subject: source });
  return issued;
}

/**
 * Makes a self-signed CA in the shape of kubeadm's (client-go `util/cert` NewSelfSignedCACert): `digitalSignature`,
 * `keyEncipherment`, `keyCertSign`, its own key identifier, and its common name as a DNS name.
 *
 * @param input.key the private key of the CA
 * @param input.names default: the common name where it is a DNS name
 * @throws X509Error `PKI_NAME_INVALID` `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export async function createCa(
  input: Omit<ScratchInput, 'isCa' | 'usages' | 'subject'> &
    NewSubject & { readonly key: KeyObject; readonly validity: Validity },
): Promise<Certificate> {
  const { key, validity, commonName, organizations } = input;
  const subject = { commonName, organizations };
  const names = input.names ?? (isDnsName(commonName) ? [commonName] : []);
  const algorithm = signatureAlgorithmOf(key, commonName);
  const publicKeyDer = publicKeyDerOf(key);
  const wanted = { subject, names, pathLength: input.pathLength, isCa: true };
  const extensions = planExtensions(wanted, key, { publicKeyDer, authorityKeyId: undefined });
  const { encodeBody } = await loadForgeEncoding();
  const body = encodeBody({
    algorithmDer: algorithm.identifierDer,
    issuerDer: undefined,
    validity,
    subject,
    publicKeyDer,
    extensions,
  });
  const issued = parseCertificate(signCertificate(body, algorithm, key), commonName);
  assertSelfSignedCa(issued, { validity, subject: commonName });
  return issued;
}

/**
 * A signing request (PKCS#10, RFC 2986) in DER without a template; the signing CA sets the key identifiers.
 *
 * @param input.key the private key of the certificate; it signs the request
 * @throws X509Error `PKI_NAME_INVALID` `PKI_KEY_UNSUPPORTED`
 */
export async function createRequestFromScratch(input: ScratchInput & { readonly key: KeyObject }): Promise<Uint8Array> {
  const { key, subject } = input;
  const algorithm = signatureAlgorithmOf(key, describeSubject(input));
  const publicKeyDer = publicKeyDerOf(key);
  const planned = planExtensions(input, key, { publicKeyDer, authorityKeyId: undefined });
  const { encodeRequestInfo } = await loadForgeEncoding();
  const info = encodeRequestInfo({ subject, publicKeyDer, extensions: { ...planned, subjectKeyId: undefined } });
  // A request has the signed structure of a certificate.
  return signCertificate(info, algorithm, key);
}

function planExtensions(
  { subject, names = [], usages = [], isCa = false, pathLength }: ScratchInput,
  { asymmetricKeyType }: KeyObject,
  {
    publicKeyDer,
    authorityKeyId,
  }: { readonly publicKeyDer: Uint8Array; readonly authorityKeyId: Uint8Array | undefined },
): NewExtensions {
  assertSubjectNames(names);
  if (subject.commonName === '' && (subject.organizations ?? []).length === 0 && names.length === 0) {
    throw new X509Error({
      code: 'PKI_NAME_INVALID',
      message: 'a certificate needs a subject or a subject alternative name',
      hint: 'give a common name, a DNS name or an IP address',
    });
  }
  const encipherment = asymmetricKeyType === 'ed25519' ? 0 : KEY_ENCIPHERMENT;
  return {
    keyUsage: DIGITAL_SIGNATURE | encipherment | (isCa ? KEY_CERT_SIGN : 0),
    usages,
    isCa,
    pathLength: isCa ? pathLength : undefined,
    subjectKeyId: isCa ? keyIdentifierOf(publicKeyDer) : undefined,
    authorityKeyId,
    names,
  };
}

function describeSubject({ subject, names = [] }: ScratchInput): string {
  return [subject.commonName, ...(subject.organizations ?? []), ...names].find((each) => each !== '') ?? '';
}
