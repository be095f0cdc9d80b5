import { X509Error } from '../errors.ts';
import { assertIssued } from './issued-check.ts';
import type { Usage } from '../certificate/extensions.ts';
import type { KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate } from '../certificate/certificate.ts';
import { encodeCertificateBody } from './body.ts';
import { renewExtensions } from '../certificate/extensions.ts';
import { signatureAlgorithmOf, signCertificate } from './signature.ts';
import { MS_PER_DAY } from '../certificate/summary.ts';

/** Clocks of a cluster differ a little; kubeadm backdates its CAs by as much (`constants.go`). */
const BACKDATE_MS = 5 * 60 * 1000;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The CA expires before the wanted lifetime ends, so the lifetime was shortened. */
  readonly clipped: boolean;
}

/** @throws X509Error `PKI_LIFETIME_INVALID` unless `days` is more than 0 and at most 36500 */
export function assertLifetime(days: number): void {
  if (days > 0 && days <= 36_500) return;
  throw new X509Error({
    code: 'PKI_LIFETIME_INVALID',
    message: 'a lifetime must be more than 0 and at most 36500 days',
    subject: String(days),
    hint: 'give a number of days, for example 365',
  });
}

/** The validity of a certificate issued at `now`: from five minutes ago, for `days`, never beyond that of the CA. */
export function planValidity(issuer: Pick<Certificate, 'notBefore' | 'notAfter'>, now: Date, days: number): Validity {
  const wanted = now.getTime() + days * MS_PER_DAY;
  return {
    notBefore: new Date(Math.max(now.getTime() - BACKDATE_MS, issuer.notBefore.getTime())),
    notAfter: new Date(Math.min(wanted, issuer.notAfter.getTime())),
    clipped: issuer.notAfter.getTime() < wanted,
  };
}

/** The validity of a self-signed CA issued at `now`. */
export function planCaValidity(now: Date, days: number): Pick<Validity, 'notBefore' | 'notAfter'> {
  const start = now.getTime();
  return { notBefore: new Date(start - BACKDATE_MS), notAfter: new Date(start + days * MS_PER_DAY) };
}

export interface IssueInput {
  /** The old certificate: the new one copies its subject, extensions and their order byte for byte. */
  readonly template: Certificate;
  readonly issuer: { readonly certificate: Certificate; readonly key: KeyObject; readonly keySource: string };
  /** SubjectPublicKeyInfo in DER. Default: the template's own, so the private key stays the same. */
  readonly publicKeyDer?: Uint8Array | undefined;
  readonly validity: Pick<Validity, 'notBefore' | 'notAfter'>;
  /** DNS names and IP addresses to add to the subject alternative names. Default: none. */
  readonly extraNames?: readonly string[] | undefined;
  /** Extended key usages to add. Default: none. */
  readonly extraUsages?: readonly Usage[] | undefined;
  /** The certificate's location, for errors. */
  readonly subject: string;
}

/**
 * Issues a certificate from the template of an old one: new serial number, validity, issuer and key identifiers; everything
 * else keeps its bytes. The issuer's name is copied from the CA's subject byte for byte, because Go compares names
 * as bytes (`crypto/x509` Certificate.isValid).
 *
 * OpenSSL verifies the certificate against the CA before it is returned.
 * @throws X509Error `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export function issueCertificate(input: IssueInput): Certificate {
  const { template, issuer } = input;
  const publicKeyDer = input.publicKeyDer ?? template.publicKeyDer;
  const algorithm = signatureAlgorithmOf(issuer.key, issuer.keySource);
  const tbs = encodeCertificateBody({
    algorithm,
    issuerDer: issuer.certificate.subjectDer,
    validity: input.validity,
    subjectDer: template.subjectDer,
    publicKeyDer,
    subjectUniqueIdDer: template.subjectUniqueIdDer,
    extensions: renewExtensions(template, {
      issuer: issuer.certificate,
      publicKeyDer,
      extraNames: input.extraNames ?? [],
      extraUsages: input.extraUsages ?? [],
    }),
  });
  const issued = parseCertificate(signCertificate(tbs, algorithm, issuer.key), input.subject);
  assertIssued(issued, { issuer: issuer.certificate, validity: input.validity, subject: input.subject });
  return issued;
}
