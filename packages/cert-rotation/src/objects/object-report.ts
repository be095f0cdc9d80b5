import type { Certificate } from '../certificate.ts';
import { describeKey } from '../private-key.ts';
import type { Problem } from '../problem.ts';
import type { CertificatePurpose } from './object-fields.ts';
import type { ObjectFinding } from './object-inventory.ts';
import { describePlace, type ObjectPlace } from './object-place.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;

/** One row of `certs check` for the cluster's objects. Survives JSON; carries no key material. */
export interface ObjectCertificateRow {
  readonly found: ObjectFinding['found'];
  /** `null` when the object itself could not be read. */
  readonly place: ObjectPlace | null;
  /** The place in one line: `Secret kube-system/kube-apiserver ca.crt#1`. */
  readonly path: string;
  readonly purpose: CertificatePurpose | null;
  /** `PEM`, `DER`, `PKCS#12` or `JKS`. */
  readonly form: string | null;
  /** The distinguished names; `null` when there is no certificate to be read, like all that follow from it. */
  readonly subject: string | null;
  readonly issuer: string | null;
  /** SHA-256 of the certificate in hexadecimal: the same one elsewhere has the same. */
  readonly fingerprint: string | null;
  /** ISO 8601, UTC. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Whole days until it expires; negative afterwards. */
  readonly daysLeft: number | null;
  readonly keyAlgorithm: string | null;
  readonly problems: readonly Pick<Problem, 'code' | 'severity' | 'message' | 'subject' | 'hint'>[];
  readonly status: 'ok' | 'warning' | 'problem';
}

/** The row of one finding. Pure. */
export function reportObjectFinding(finding: ObjectFinding, now: Date): ObjectCertificateRow {
  const { found, place } = finding;
  const problems = found === 'keystore' ? [] : finding.problems;
  const certificate = found === 'certificate' ? finding.certificate : undefined;
  return {
    found,
    place,
    path: place === null ? (problems[0]?.subject ?? '') : describePlace(place),
    purpose: found === 'certificate' ? finding.purpose : null,
    form: found === 'certificate' ? finding.form : found === 'keystore' ? finding.format : null,
    ...describeCertificate(certificate, now),
    problems: problems.map(({ code, severity, message, subject, hint }) => ({
      code,
      severity,
      message,
      subject,
      hint,
    })),
    status: statusOf(problems),
  };
}

/** One line of a distinguished name. */
export function nameOf(name: string | undefined): string {
  return name?.replaceAll('\n', ', ') ?? '';
}

/** SHA-256 of the certificate, lower-case hexadecimal without colons. */
export function fingerprintOf({ x509 }: Certificate): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase();
}

function describeCertificate(certificate: Certificate | undefined, now: Date) {
  if (certificate === undefined) {
    const none = { subject: null, issuer: null, fingerprint: null, notBefore: null, notAfter: null };
    return { ...none, daysLeft: null, keyAlgorithm: null };
  }
  const { x509, notBefore, notAfter } = certificate;
  return {
    subject: nameOf(x509.subject),
    issuer: nameOf(x509.issuer),
    fingerprint: fingerprintOf(certificate),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    daysLeft: Math.floor((notAfter.getTime() - now.getTime()) / MS_PER_DAY),
    keyAlgorithm: describeKey(x509.publicKey),
  };
}

function statusOf(problems: readonly Problem[]): ObjectCertificateRow['status'] {
  if (problems.some(({ severity }) => severity === 'problem')) return 'problem';
  return problems.length > 0 ? 'warning' : 'ok';
}
