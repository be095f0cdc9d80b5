import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';

/**
 * Reads the bytes of a certificate afresh, by OpenSSL alone, and tells whether they are a CA that has signed itself. For a
 * verification that must not trust what this process has read or made before.
 *
 * @param bytes PEM or DER
 */
export function isSelfSignedCa(bytes: Uint8Array): boolean {
  const x509 = new X509Certificate(bytes);
  return x509.ca && x509.checkIssued(x509) && x509.verify(x509.publicKey);
}

/**
 * Judges a certificate and its key by OpenSSL alone, read afresh from their bytes: that they belong together, that one of
 * `issuers` has signed the certificate, and that it is valid at `now`. Returns what is wrong, or `undefined`.
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
