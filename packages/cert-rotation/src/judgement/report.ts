import { type Certificate, describeValidity, nameOf, NO_VALIDITY } from '@kube-rescue/x509';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { judgeCa, signingCertificate } from './ca-judgement.ts';
import type { CertificateEntry, CertificateInventory } from '../inventory/inventory.ts';
import { judgeCertificate, type JudgementOptions } from './judgement.ts';
import { type ReportedProblems, reportProblems } from './problem.ts';

/** One row of `certs check`. Survives JSON; carries no key material. */
export interface CertificateRow extends ReportedProblems {
  /** For example `etcd/server`, or `ca/etcd` for a CA. */
  readonly id: string;
  readonly kind: 'ca' | 'file' | 'kubeconfig' | 'kubelet';
  readonly name: string;
  readonly path: string;
  /** The subject's distinguished name; `null` when the certificate cannot be read, as are the fields derived from it. */
  readonly subject: string | null;
  /** The id of the CA's row; `null` for a self-signed certificate. */
  readonly issuer: string | null;
  /** RFC 3339, UTC, to the second. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Whole days until it expires; negative afterwards. */
  readonly daysLeft: number | null;
  /** For example `RSA 2048` or `ECDSA P-256`. */
  readonly keyAlgorithm: string | null;
}

function describeCertificate(certificate: Certificate | undefined, now: Date) {
  if (certificate === undefined) return { subject: null, ...NO_VALIDITY };
  return { subject: nameOf(certificate.x509.subject) || null, ...describeValidity(certificate, now) };
}

function describeEntry(
  entry: CertificateEntry,
  inventory: CertificateInventory,
  options: JudgementOptions,
): CertificateRow {
  const { definition, certificateLocation } = entry;
  const shown = findExpiredCopy(entry, options.now) ?? {
    path: certificateLocation.path,
    certificate: entry.certificate.ok ? entry.certificate.value : undefined,
  };
  return {
    id: entry.id,
    kind: definition.component === 'kubelet' ? 'kubelet' : certificateLocation.in,
    name: definition.name,
    path: shown.path,
    issuer: entry.ca === undefined ? null : `ca/${entry.ca}`,
    ...describeCertificate(shown.certificate, options.now),
    ...reportProblems(judgeCertificate(entry, inventory, options)),
  };
}

/** The certificate in kubelet.conf when it alone has expired: a row names the file that is bad, with its own dates. */
function findExpiredCopy(
  { certificate, store }: CertificateEntry,
  now: Date,
): { readonly path: string; readonly certificate: Certificate } | undefined {
  const embedded = store?.embedded;
  if (embedded === undefined || !embedded.certificate.ok || !certificate.ok) return undefined;
  const copy = embedded.certificate.value;
  const isAloneExpired = now > copy.notAfter && now <= certificate.value.notAfter;
  return isAloneExpired ? { path: embedded.kubeconfig, certificate: copy } : undefined;
}

function describeCa(ca: CaEntry, now: Date): CertificateRow {
  const { definition, path } = ca;
  return {
    id: `ca/${ca.id}`,
    kind: 'ca',
    name: definition.name,
    path,
    issuer: null,
    ...describeCertificate(signingCertificate(ca), now),
    ...reportProblems(judgeCa(ca, now)),
  };
}

/** The rows of `certs check`: leaves in the order of the catalogue, then CAs. Pure. */
export function reportCertificates(
  inventory: CertificateInventory,
  options: JudgementOptions,
): readonly CertificateRow[] {
  return [
    ...inventory.certificates.map((entry) => describeEntry(entry, inventory, options)),
    ...inventory.cas.map((ca) => describeCa(ca, options.now)),
  ];
}
