import { authorityKeyIdentifier, type Certificate, isSameDer, subjectKeyIdentifier } from '@kube-rescue/x509';

/** Tells whether `authority` signed `certificate`: its name, its key identifiers and its signature, whatever the dates. */
export function isIssuedBy(certificate: Certificate, ca: Certificate): boolean {
  if (!isSameDer(certificate.issuerDer, ca.subjectDer)) return false;
  const [named, own] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(ca)];
  if (named !== undefined && own !== undefined && !isSameDer(named, own)) return false;
  return certificate.x509.verify(ca.x509.publicKey);
}
