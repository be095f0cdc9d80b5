import type { X509Certificate } from 'node:crypto';
import { X509Error } from '../errors.ts';
import { type CertificateLimits, readCertificateLimits } from './certificate-limits.ts';

/** Whether a server's certificate is trusted, regardless of dates. */
export type ChainVerdict =
  | { readonly trusted: true; readonly chain: readonly X509Certificate[] }
  | { readonly trusted: false; readonly reason: string };

export interface ServerChain {
  readonly leaf: X509Certificate;
  /** The server's further certificates, in any order. */
  readonly presented: readonly X509Certificate[];
  /** The trusted CAs; no others are trusted. */
  readonly anchors: readonly X509Certificate[];
}

/** Far more than any control plane presents; bounds the search among certificates of a hostile server. */
const MAX_CHAIN = 6;
const MAX_PRESENTED = 16;
const MIN_RSA_BITS = 2048;
/** id-kp-serverAuth and anyExtendedKeyUsage: RFC 5280, section 4.2.1.12. */
const SERVER_AUTH = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];
const DIGITAL_SIGNATURE = 0x80;
const KEY_ENCIPHERMENT = 0x20;
const KEY_AGREEMENT = 0x08;
const KEY_CERT_SIGN = 0x04;
/** Supported extensions, and those without effect on trust: keyUsage, SAN, basicConstraints, EKU, policies. */
const UNDERSTOOD = ['551d0f', '551d11', '551d13', '551d25', '551d20'];
/** md5WithRSAEncryption, sha1WithRSAEncryption, ecdsa-with-SHA1, sha-1WithRSA of OIW. */
const BROKEN_SIGNATURES = ['2a864886f70d010104', '2a864886f70d010105', '2a8648ce3d0401', '2b0e03021d'];

/**
 * Verifies a server's certificate against the given CAs as OpenSSL would, except for the dates: every signature up to an
 * anchor, issuers that are CAs and may sign, path lengths, key usage, extended key usage, strength, critical extensions.
 *
 * Does not check dates, names or revocation. Does not evaluate name constraints: refuses a chain with any.
 */
export function verifyServerChain({ leaf, presented, anchors }: ServerChain): ChainVerdict {
  try {
    const unfit = whyNoServer(leaf, readCertificateLimits(leaf));
    if (unfit !== undefined) return { trusted: false, reason: unfit };
    const chain = findChain([leaf], presented.slice(0, MAX_PRESENTED), anchors);
    if (chain !== undefined) return { trusted: true, chain };
    return { trusted: false, reason: 'it was not issued by any of the given CAs' };
  } catch (error) {
    if (error instanceof X509Error) return { trusted: false, reason: 'a certificate in its chain is malformed' };
    throw error;
  }
}

function findChain(
  soFar: readonly X509Certificate[],
  presented: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const top = soFar.at(-1);
  if (top === undefined || soFar.length > MAX_CHAIN) return undefined;
  if (anchors.some((anchor) => anchor.raw.equals(top.raw))) return soFar;
  const below = soFar.length - 1;
  const anchor = anchors.find((each) => isIssuedBy(top, each) && isFitCa(each, below, { isAnchor: true }));
  if (anchor !== undefined) return [...soFar, anchor];
  for (const next of presented) {
    if (soFar.some((each) => each.raw.equals(next.raw))) continue;
    if (!isIssuedBy(top, next) || !isFitCa(next, below, { isAnchor: false })) continue;
    const chain = findChain([...soFar, next], presented, anchors);
    if (chain !== undefined) return chain;
  }
  return undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  if (!certificate.checkIssued(issuer)) return false;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key of this kind cannot have made the signature.
    return false;
  }
}

function isFitCa(ca: X509Certificate, casBelow: number, { isAnchor }: { readonly isAnchor: boolean }): boolean {
  const limits = readCertificateLimits(ca);
  return (
    ca.ca &&
    (limits.keyUsage === undefined || (limits.keyUsage & KEY_CERT_SIGN) !== 0) &&
    (limits.pathLength === undefined || limits.pathLength >= casBelow) &&
    servesServers(ca) &&
    // The signature of an anchor does not matter: an anchor is trusted as such.
    whyWeak(ca, limits, isAnchor) === undefined
  );
}

function whyNoServer(leaf: X509Certificate, limits: CertificateLimits): string | undefined {
  const uses = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT;
  if (limits.keyUsage !== undefined && (limits.keyUsage & uses) === 0) return 'its key usage is not that of a server';
  if (!servesServers(leaf)) return 'its extended key usage is not that of a server';
  return whyWeak(leaf, limits, false);
}

function whyWeak(certificate: X509Certificate, limits: CertificateLimits, isAnchor: boolean): string | undefined {
  if (limits.hasNameConstraints) return 'its chain has name constraints, which are not evaluated';
  if (limits.critical.some((id) => !UNDERSTOOD.includes(id))) return 'it has a critical extension that is not known';
  if (!isAnchor && BROKEN_SIGNATURES.includes(limits.signatureAlgorithm)) return 'it is signed with MD5 or SHA-1';
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) {
    return `its RSA key is shorter than ${MIN_RSA_BITS} bits`;
  }
  return undefined;
}

function servesServers(certificate: X509Certificate): boolean {
  // The types claim an array; Node returns `undefined` without the extension, which allows every use.
  const uses = certificate.keyUsage as readonly string[] | undefined;
  return uses === undefined || uses.length === 0 || uses.some((use) => SERVER_AUTH.includes(use));
}
