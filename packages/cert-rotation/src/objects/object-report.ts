import { type Certificate, describeValidity, nameOf, NO_VALIDITY } from '@kube-rescue/x509';
import { type ReportedProblems, reportProblems } from '../judgement/problem.ts';
import type { CertificatePurpose } from './object-fields.ts';
import type { ObjectFinding } from './object-inventory.ts';
import { describeLocation, type ObjectLocation } from './object-location.ts';

/** One row of `certs check` for the cluster's objects. Survives JSON; carries no key material. */
export interface ObjectCertificateRow extends ReportedProblems {
  readonly found: ObjectFinding['found'];
  /** `null` when the object itself could not be read. */
  readonly location: ObjectLocation | null;
  /** The location in one line: `Secret kube-system/kube-apiserver ca.crt#1`. */
  readonly path: string;
  readonly purpose: CertificatePurpose | null;
  /** `PEM`, `DER`, `PKCS#12` or `JKS`. */
  readonly form: string | null;
  /** The distinguished names; `null`, as all fields below, without a readable certificate. */
  readonly subject: string | null;
  readonly issuer: string | null;
  /** SHA-256 of the certificate in hexadecimal. */
  readonly fingerprint: string | null;
  /** RFC 3339. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Whole days until it expires; negative afterwards. */
  readonly daysLeft: number | null;
  readonly keyAlgorithm: string | null;
}

/** The row of one finding. Pure. */
export function reportObjectFinding(finding: ObjectFinding, now: Date): ObjectCertificateRow {
  const { found, location } = finding;
  const problems = found === 'keystore' ? [] : finding.problems;
  const certificate = found === 'certificate' ? finding.certificate : undefined;
  return {
    found,
    location,
    path: location === null ? (problems[0]?.subject ?? '') : describeLocation(location),
    purpose: found === 'certificate' ? finding.purpose : null,
    form: found === 'certificate' ? finding.form : found === 'keystore' ? finding.format : null,
    ...describeCertificate(certificate, now),
    ...reportProblems(problems),
  };
}

/** SHA-256 of the certificate, lower-case hexadecimal without colons. */
export function fingerprintOf({ x509 }: Certificate): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase();
}

function describeCertificate(certificate: Certificate | undefined, now: Date) {
  if (certificate === undefined) return { subject: null, issuer: null, fingerprint: null, ...NO_VALIDITY };
  const { subject, issuer } = certificate.x509;
  const names = { subject: nameOf(subject), issuer: nameOf(issuer) };
  return { ...names, fingerprint: fingerprintOf(certificate), ...describeValidity(certificate, now) };
}
