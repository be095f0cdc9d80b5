import { constants, verify } from 'node:crypto';
import type { GoCertificate } from './certificate.ts';
import { DerReader } from './der-reader.ts';
import { checkRsaKey, openPublicKey, readAlgorithm } from './public-key.ts';
import { catchFault, refuse } from './rules.ts';

interface SignatureScheme {
  readonly key: 'rsa' | 'ecdsa' | 'ed25519';
  /** `null` for an algorithm with a built-in digest. */
  readonly digest: string | null;
  /** The length of the salt of RSASSA-PSS. */
  readonly saltLength?: number;
}

/** The algorithms with which Go verifies certificates, by object identifier (crypto/x509 x509.go). */
const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  '2a864886f70d01010b': { key: 'rsa', digest: 'sha256' },
  '2a864886f70d01010c': { key: 'rsa', digest: 'sha384' },
  '2a864886f70d01010d': { key: 'rsa', digest: 'sha512' },
  '2a8648ce3d040302': { key: 'ecdsa', digest: 'sha256' },
  '2a8648ce3d040303': { key: 'ecdsa', digest: 'sha384' },
  '2a8648ce3d040304': { key: 'ecdsa', digest: 'sha512' },
  '2b6570': { key: 'ed25519', digest: null },
};

const RSASSA_PSS = '2a864886f70d01010a';
const ED25519 = '2b6570';
const MGF1 = '2a864886f70d010108';
const NULL_DER = '0500';

/** Digests that Go allows for RSASSA-PSS, with a salt of their length. */
const PSS_DIGESTS: Readonly<Record<string, readonly [string, bigint]>> = {
  '608648016503040201': ['sha256', 32n],
  '608648016503040202': ['sha384', 48n],
  '608648016503040203': ['sha512', 64n],
};

function readDigest(bytes: Uint8Array): string {
  const { oid, parameters } = readAlgorithm(bytes);
  const text = Buffer.from(parameters).toString('hex');
  return text === '' || text === NULL_DER ? oid : refuse('signature-algorithm');
}

/** RSASSA-PSS-params (RFC 4055 section 3.1): the same digest twice, a salt of its length, no other trailer. */
function readPssScheme(parameters: Uint8Array): SignatureScheme {
  const sequence = new DerReader(parameters, 'signature-algorithm').enter(0x30);
  const digest = readDigest(sequence.enter(0xa0).read(0x30));
  const mask = readAlgorithm(sequence.enter(0xa1).read(0x30));
  const maskDigest = readDigest(new DerReader(mask.parameters, 'signature-algorithm').read(0x30));
  const salt = sequence.enter(0xa2).readSmallInteger();
  const trailer = sequence.peeks(0xa3) ? sequence.enter(0xa3).readSmallInteger() : 1n;
  const known = PSS_DIGESTS[digest];
  if (mask.oid !== MGF1 || maskDigest !== digest || trailer !== 1n || known === undefined || salt !== known[1]) {
    return refuse('signature-algorithm');
  }
  return { key: 'rsa', digest: known[0], saltLength: Number(known[1]) };
}

function findScheme({ algorithm: { oid, parameters } }: GoCertificate): SignatureScheme {
  if (oid === RSASSA_PSS) return readPssScheme(parameters);
  if (oid === ED25519 && parameters.length > 0) return refuse('signature-algorithm');
  return SCHEMES[oid] ?? refuse('signature-algorithm');
}

function verifies(certificate: GoCertificate, { digest, saltLength }: SignatureScheme, issuer: GoCertificate): boolean {
  try {
    const key = openPublicKey(issuer.publicKeyInfo);
    const padding = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    return verify(digest, certificate.signedPart, { key, ...padding }, certificate.signature);
  } catch {
    return false;
  }
}

const KEY_CERT_SIGN = 1 << 5;

/** Refuses a certificate that `issuer` may not or did not sign (crypto/x509 x509.go CheckSignatureFrom). */
export function checkSignature(certificate: GoCertificate, issuer: GoCertificate): void {
  const { basicConstraints, keyUsage, publicKey } = issuer;
  if (basicConstraints === undefined ? issuer.version === 3 : !basicConstraints.isCa) refuse('not-a-ca');
  if (keyUsage !== 0 && (keyUsage & KEY_CERT_SIGN) === 0) refuse('not-a-ca');
  const scheme = catchFault(() => findScheme(certificate));
  if (!scheme.ok) return refuse('signature-algorithm');
  if (publicKey.kind === 'rsa') checkRsaKey(publicKey);
  if (publicKey.kind !== scheme.value.key || !verifies(certificate, scheme.value, issuer)) refuse('signature');
}
