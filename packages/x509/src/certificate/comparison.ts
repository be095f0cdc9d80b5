import { createPublicKey, type KeyObject } from 'node:crypto';
import { isSameDer } from '../encoding/der.ts';
import {
  authorityCertSerialNumber,
  authorityKeyIdentifier,
  type Certificate,
  subjectKeyIdentifier,
} from './certificate.ts';

/** Whether two certificates are the same bytes. */
export function isSameCertificate(a: Pick<Certificate, 'der'>, b: Pick<Certificate, 'der'>): boolean {
  return isSameDer(a.der, b.der);
}

/** Whether two certificates have the same subject, compared as bytes, as Go does. */
export function isSameSubject(a: Certificate, b: Certificate): boolean {
  return isSameDer(a.subjectDer, b.subjectDer);
}

/** Whether two certificates are for the same public key. */
export function isSamePublicKey(a: Certificate, b: Certificate): boolean {
  return isSameDer(a.publicKeyDer, b.publicKeyDer);
}

/** Whether two certificates are of one CA: the same name and the same key, regardless of dates. */
export function isSameCa(a: Certificate, b: Certificate): boolean {
  return isSameSubject(a, b) && isSamePublicKey(a, b);
}

/** Whether the subject of `ca` is the issuer in `certificate`, compared as bytes, as Go does. */
export function namesIssuer(certificate: Certificate, ca: Certificate): boolean {
  return isSameDer(certificate.issuerDer, ca.subjectDer);
}

/** Whether a certificate is self-signed: its own issuer by name and signature. */
export function isSelfSigned(certificate: Certificate): boolean {
  return namesIssuer(certificate, certificate) && certificate.x509.verify(certificate.x509.publicKey);
}

/** Whether a key made the signature of a certificate, whatever it names as its issuer. */
export function isSignedWith(certificate: Certificate, key: KeyObject): boolean {
  return certificate.x509.verify(key.type === 'private' ? createPublicKey(key) : key);
}

/** Whether `ca` has signed `certificate`: by name, key identifier and signature, regardless of dates. */
export function isSignedBy(certificate: Certificate, ca: Certificate): boolean {
  return namesIssuer(certificate, ca) && !namesOtherKey(certificate, ca) && certificate.x509.verify(ca.x509.publicKey);
}

function namesOtherKey(certificate: Certificate, ca: Certificate): boolean {
  const [named, own] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(ca)];
  return named !== undefined && own !== undefined && !isSameDer(named, own);
}

/** In which respect `ca` is not the issuer of a certificate. */
export type IssuerMismatch = 'name' | 'key identifier' | 'serial number' | 'signature';

/**
 * Compares a certificate with its expected issuer: name, key identifier, serial number if the certificate names
 * one, signature (RFC 5280 section 6.1.3), regardless of dates. Returns the first mismatch, or `undefined`.
 */
export function findIssuerMismatch(certificate: Certificate, ca: Certificate): IssuerMismatch | undefined {
  if (!namesIssuer(certificate, ca)) return 'name';
  if (namesOtherKey(certificate, ca)) return 'key identifier';
  const serial = authorityCertSerialNumber(certificate);
  if (serial !== undefined && !isSameDer(serial, ca.serialNumber)) return 'serial number';
  return certificate.x509.verify(ca.x509.publicKey) ? undefined : 'signature';
}
