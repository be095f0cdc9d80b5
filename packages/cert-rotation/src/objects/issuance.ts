import { authorityKeyIdentifier, type Certificate, subjectKeyIdentifier } from '../certificate.ts';
import { isSameDer } from '../der.ts';

/** Tells whether `authority` signed `certificate`: its name, its key identifiers and its signature, whatever the dates. */
export function isIssuedBy(certificate: Certificate, authority: Certificate): boolean {
  if (!isSameDer(certificate.issuerDer, authority.subjectDer)) return false;
  const [named, own] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(authority)];
  if (named !== undefined && own !== undefined && !isSameDer(named, own)) return false;
  return certificate.x509.verify(authority.x509.publicKey);
}
