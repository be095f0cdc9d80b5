import { isMinimalDer, readDerElements } from '../encoding/der.ts';
import { type Certificate, EXTENSION } from './certificate.ts';
import { canSignCertificates, detailCertificate } from './details.ts';

/** Object identifiers that a leaf may carry without an effect on trust, encoded. */
const HARMLESS: readonly string[] = [
  ...Object.values(EXTENSION),
  // 2.5.29.18 issuerAltName, .31 cRLDistributionPoints, .32 certificatePolicies, .46 freshestCRL
  '551d12',
  '551d1f',
  '551d20',
  '551d2e',
  // 1.3.6.1.5.5.7.1.1 authorityInfoAccess, .1.11 subjectInfoAccess
  '2b06010505070101',
  '2b0601050507010b',
  // 2.16.840.1.113730.1.1 nsCertType, .1.13 nsComment
  '6086480186f8420101',
  '6086480186f842010d',
];
const READ: readonly string[] = Object.values(EXTENSION);
/** 2.5.29.30 nameConstraints, .33 policyMappings, .36 policyConstraints, .54 inhibitAnyPolicy: of CAs only (RFC 5280). */
const OF_CAS: readonly string[] = ['551d1e', '551d21', '551d24', '551d36'];

/** What no certificate of a component may be, from any signer; the first reason, or `undefined`. */
export function findCaRight(certificate: Certificate): string | undefined {
  if (canSignCertificates(certificate)) return 'can sign certificates (CA:TRUE or keyCertSign)';
  if (detailCertificate(certificate, certificate.notAfter).keyUsage.includes('cRLSign')) {
    return 'can sign revocation lists (cRLSign)';
  }
  if (certificate.extensions.some(({ oid }) => OF_CAS.includes(oid))) return 'has an extension that only a CA may have';
  return undefined;
}

/**
 * Extensions of a certificate that must not be copied: unknown critical ones, which every verifier refuses, and several of one
 * kind, of which each verifier may take another (RFC 5280 section 4.2).
 */
export function findForbiddenExtension({ extensions }: Certificate): string | undefined {
  const unknown = extensions.find(({ oid, critical }) => critical && !HARMLESS.includes(oid));
  if (unknown !== undefined) return 'has a critical extension that is not known';
  const isTwice = extensions.some(({ oid }, at) => extensions.findIndex((each) => each.oid === oid) !== at);
  return isTwice ? 'has an extension twice' : undefined;
}

/** Whether every extension of a certificate is a known one. */
export function hasOnlyKnownExtensions({ extensions }: Certificate): boolean {
  return extensions.every(({ oid }) => HARMLESS.includes(oid));
}

/** Whether Go can parse the bytes that a renewal copies: it takes the shortest lengths only (X.690 section 10.1). */
export function isStrictDer({ subjectDer, publicKeyDer, extensions }: Certificate): boolean {
  try {
    const read = extensions.filter(({ oid }) => READ.includes(oid));
    return (
      [subjectDer, publicKeyDer, ...extensions.map(({ der }) => der)].every((der) => isMinimalDer(der)) &&
      read.every(({ value }) => isMinimalDer(value) && readDerElements(value).length === 1)
    );
  } catch {
    return false;
  }
}
