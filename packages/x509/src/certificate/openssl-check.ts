import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';

/**
 * Whether the bytes of a certificate are a self-signed CA. OpenSSL alone parses the bytes again, for a verification that must
 * not trust what this process has read or made before.
 *
 * @param bytes PEM or DER
 */
export function isSelfSignedCa(bytes: Uint8Array): boolean {
  const x509 = new X509Certificate(bytes);
  return x509.ca && x509.checkIssued(x509) && x509.verify(x509.publicKey);
}

/**
 * Verifies a certificate and its key by OpenSSL alone, parsed again from their bytes: the key matches the certificate, one of
 * `issuers` has signed it, and it is valid at `now`. Returns the first problem, or `undefined`.
 */
export function findPairFault(
  pair: { readonly certificate: Uint8Array; readonly key: Uint8Array },
  { issuers, now }: { readonly issuers: readonly Certificate[]; readonly now: Date },
): 'key' | 'issuer' | 'dates' | undefined {
  const certificate = new X509Certificate(pair.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(Buffer.from(pair.key)))) return 'key';
  const cas = issuers.map(({ der }) => new X509Certificate(der));
  if (!cas.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey))) return 'issuer';
  return now < certificate.validFromDate || now > certificate.validToDate ? 'dates' : undefined;
}
