import {
  authorityKeyIdentifier,
  type Certificate,
  DER_TAG,
  encodeCertificateBody,
  encodeDer,
  encodeExtension,
  EXTENSION,
  isSameDer,
  namesIssuerSerial,
  parseCertificate,
  signatureAlgorithmOf,
  signCertificate,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import type { CaEntry, Issuer } from '../inventory/ca-inventory.ts';
import { judgeCa } from '../judgement/ca-judgement.ts';
import { PkiError } from '../errors.ts';

/** kubeadm's lifetime of an authority (`app/constants/constants.go` CACertificateValidityPeriod). */
export const DEFAULT_AUTHORITY_DAYS = 3650;

/** Tells whether two certificates are of one authority: the same name and the same key, whatever their dates. */
export function isSameCa(a: Certificate, b: Certificate): boolean {
  return isSameDer(a.subjectDer, b.subjectDer) && isSameDer(a.publicKeyDer, b.publicKeyDer);
}

/** Tells whether an authority signed itself, so that nobody else is needed to issue it anew. */
export function isSelfSigned({ issuerDer, subjectDer, x509 }: Certificate): boolean {
  return isSameDer(issuerDer, subjectDer) && x509.verify(x509.publicKey);
}

/**
 * The issuer of an authority that has expired and can be re-issued on this node: its key is here, it signed itself, and
 * nothing else is wrong with it.
 */
export function findReissuable(ca: CaEntry, now: Date): Issuer | undefined {
  if (!ca.issuer.ok || !isSelfSigned(ca.issuer.value.certificate)) return undefined;
  const others = judgeCa(ca, now).filter(({ code }) => code !== 'PKI_CA_EXPIRED');
  return others.length === 0 ? ca.issuer.value : undefined;
}

/** An authority that names its own serial number would not be its own issuer any more; the key identifier stays. */
function keepExtensions(template: Certificate): readonly Uint8Array[] {
  return template.extensions.flatMap((extension) => {
    if (extension.oid !== EXTENSION.authorityKeyIdentifier || !namesIssuerSerial(template)) return [extension.der];
    const keyId = authorityKeyIdentifier(template);
    if (keyId === undefined) return [];
    const value = encodeDer(DER_TAG.sequence, encodeDer(0x80, keyId));
    return [encodeExtension(extension.oid, extension.critical, value)];
  });
}

/**
 * Issues the certificate of an authority anew with its own key: another serial number and validity, everything else byte
 * for byte, the subject key identifier included. What it signed before is vouched for by the new one too.
 *
 * The one extension that may change is an authority key identifier that names the old serial number.
 * @throws PkiError `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export function reissueCa(input: {
  readonly template: Certificate;
  readonly key: KeyObject;
  /** The file of the key, for errors. */
  readonly keySource: string;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  /** The file of the certificate, for errors. */
  readonly subject: string;
}): Certificate {
  const { template, key, validity } = input;
  const algorithm = signatureAlgorithmOf(key, input.keySource);
  const tbs = encodeCertificateBody({
    algorithm,
    issuerDer: template.subjectDer,
    validity,
    subjectDer: template.subjectDer,
    publicKeyDer: template.publicKeyDer,
    subjectUniqueIdDer: template.subjectUniqueIdDer,
    extensions: keepExtensions(template),
  });
  const issued = parseCertificate(signCertificate(tbs, algorithm, key), input.subject);
  const { x509 } = issued;
  if (x509.ca && x509.checkIssued(x509) && x509.verify(template.x509.publicKey)) return issued;
  throw new PkiError({
    code: 'PKI_ISSUE_FAILED',
    message: 'the new certificate of the authority was thrown away: it does not vouch for itself',
    subject: input.subject,
    hint: 'check the old certificate of the authority with `openssl x509 -text`',
  });
}
