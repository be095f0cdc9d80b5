import type { Certificate } from '@kube-rescue/x509';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { type Problem, problemOf } from './problem.ts';

/** The certificate that an authority signs with; without a key, the one of its bundle that lives longest. */
export function signingCertificate(ca: CaEntry): Certificate | undefined {
  if (ca.issuer.ok) return ca.issuer.value.certificate;
  if (!ca.bundle.ok) return undefined;
  return ca.bundle.value.toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
}

function judgeCertificateOf(ca: CaEntry, certificate: Certificate, now: Date): Problem[] {
  const { path, definition } = ca;
  const base = { kind: 'invalid', severity: 'problem', subject: path, fixedBy: 'person' } as const;
  const problems: Problem[] = [];
  if (now < certificate.notBefore) {
    problems.push({
      ...base,
      code: 'PKI_CLOCK_BEFORE_CA',
      message: `this machine's clock says ${now.toISOString()}, before ${definition.name} was made at ${certificate.notBefore.toISOString()}`,
      hint: "set this machine's clock right (`timedatectl`, `chronyc makestep`) before anything is renewed",
    });
  }
  if (now > certificate.notAfter) {
    problems.push({
      ...base,
      code: 'PKI_CA_EXPIRED',
      message: `${definition.name} expired on ${certificate.notAfter.toISOString()}`,
      hint: ca.issuer.ok
        ? `re-issue it with its own key: \`kube-rescue recover\`, or \`kube-rescue certs rotate-ca ${ca.id} --same-key\``
        : `have certificates made where its key is kept, and install them: \`kube-rescue recover --certs DIR\`; or ${ca.issuer.error.hint ?? 'put its key on this node'}`,
    });
  }
  if (!certificate.x509.ca) {
    problems.push({
      ...base,
      code: 'PKI_CA_INVALID',
      message: `the certificate of ${definition.name} is not one of an authority (basicConstraints)`,
      hint: `put the certificate of ${definition.name} at ${path}`,
    });
  }
  return problems;
}

/**
 * Judges an authority: expired, not made yet by this clock, not an authority, without its key.
 *
 * A key that is missing or of another certificate is a warning here, because what is signed already works without it; it
 * blocks renewals.
 */
export function judgeCa(ca: CaEntry, now: Date): readonly Problem[] {
  if (!ca.bundle.ok) return [problemOf(ca.bundle.error, ca.path)];
  const certificate = signingCertificate(ca);
  const problems = certificate === undefined ? [] : judgeCertificateOf(ca, certificate, now);
  if (ca.issuer.ok) return problems;
  return [...problems, { ...problemOf(ca.issuer.error, ca.path), severity: 'warning' }];
}
