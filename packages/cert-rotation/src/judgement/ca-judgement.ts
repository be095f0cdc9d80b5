import { formatTime, isRecoveryError } from '@kube-rescue/errors';
import { type Certificate, claimsToBeCa, findCaLimits, findCaRefusal } from '@kube-rescue/x509';
import type { CertificateEntry } from '../inventory/inventory.ts';
import type { CaEntry } from '../inventory/ca-inventory.ts';
import { judgeCaByGo } from './go-judgement.ts';
import { type Problem, problemOf } from './problem.ts';

/** The certificate that a CA signs with; without a key, the certificate of its bundle with the latest notAfter. */
export function signingCertificate(ca: CaEntry): Certificate | undefined {
  if (ca.issuer.ok) return ca.issuer.value.certificate;
  if (!ca.bundle.ok) return undefined;
  return ca.bundle.value.toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
}

function judgeCertificateOf(ca: CaEntry, certificate: Certificate, now: Date): Problem[] {
  const { path, definition } = ca;
  const base = { kind: 'invalid', severity: 'problem', subject: path, fixedBy: 'operator' } as const;
  const problems: Problem[] = [];
  if (now < certificate.notBefore) {
    problems.push({
      ...base,
      code: 'PKI_CLOCK_BEFORE_CA',
      message: `is not valid before ${formatTime(certificate.notBefore)}, but this machine's clock shows ${formatTime(now)}`,
      hint: "set this machine's clock (`timedatectl`, `chronyc makestep`) before a renewal",
    });
  }
  if (now > certificate.notAfter) {
    problems.push({
      ...base,
      code: 'PKI_CA_EXPIRED',
      message: `expired on ${formatTime(certificate.notAfter)}`,
      hint: ca.issuer.ok
        ? `reissue it with the same key: \`kube-rescue recover\`, or \`kube-rescue certs rotate-ca ${ca.id} --same-key\``
        : `generate the certificates where the CA key is, then install them: \`kube-rescue recover --certs DIR\`; or ${ca.issuer.error.hint ?? 'put the CA key on this node'}`,
    });
  }
  const isCa = readable(() => claimsToBeCa(certificate), false);
  if (!isCa) {
    problems.push({
      ...base,
      code: 'PKI_CA_INVALID',
      message: 'is not a CA certificate (basicConstraints)',
      hint: `put the certificate of the ${definition.name} at ${path}`,
    });
  }
  return isCa ? [...problems, ...judgeLimits(ca, certificate)] : problems;
}

/** What the CA's own certificate forbids; a weak key or signature is a warning. */
function judgeLimits({ path, definition }: CaEntry, certificate: Certificate): Problem[] {
  const limits = readable(
    () => findCaLimits(certificate),
    [{ isRefused: true, message: 'has a field that cannot be read' }],
  );
  return limits.map(({ isRefused, message }) => ({
    kind: 'invalid',
    subject: path,
    fixedBy: 'operator',
    code: isRefused ? 'PKI_CA_INVALID' : 'PKI_CA_WEAK',
    severity: isRefused ? 'problem' : 'warning',
    message,
    hint: isRefused
      ? `replace the ${definition.name} by one that may sign for this cluster, with its certificates: \`kube-rescue certs adopt\``
      : `plan a new ${definition.name}: \`kube-rescue certs rotate-ca\` or \`kube-rescue certs adopt\``,
  }));
}

function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (isRecoveryError(error)) return otherwise;
    throw error;
  }
}

/**
 * Why verifiers refuse a certificate that the CA signs, whatever its dates; a `problem` that the operator must fix.
 *
 * @param extraNames DNS names and addresses that a renewal adds
 */
export function judgeRefusal(
  entry: Pick<CertificateEntry, 'certificateLocation' | 'usages'>,
  ca: CaEntry,
  { certificate, issuer, extraNames }: { certificate: Certificate; issuer: Certificate; extraNames: readonly string[] },
): Problem[] {
  const wanted = { certificate, extraNames, usages: entry.usages };
  const refusal = readable(() => findCaRefusal(issuer, wanted), 'has a field that cannot be read');
  if (refusal === undefined) return [];
  return [
    {
      kind: 'invalid',
      severity: 'problem',
      fixedBy: 'operator',
      code: 'PKI_CA_FORBIDS',
      subject: entry.certificateLocation.path,
      message: `is refused by every client: the ${ca.definition.name} ${refusal}`,
      hint: `have the ${ca.definition.name} issued without this limit by its operator, or install certificates of another CA: \`kube-rescue certs adopt\``,
    },
  ];
}

/**
 * Checks a CA: expired, not valid yet by this clock, not a CA certificate, without its key.
 *
 * A missing or foreign key is a warning here: certificates that exist work without it. It blocks renewals. On a worker it is missing
 * rightly.
 */
export function judgeCa(ca: CaEntry, now: Date): readonly Problem[] {
  if (!ca.bundle.ok) return [problemOf(ca.bundle.error, ca.path)];
  const certificate = signingCertificate(ca);
  const problems = [...judgeCaByGo(ca), ...(certificate === undefined ? [] : judgeCertificateOf(ca, certificate, now))];
  if (ca.bundle.fault !== undefined) {
    const hint = 'write the same certificate again: `kube-rescue recover`';
    problems.unshift({ ...problemOf(ca.bundle.fault, ca.path, 'renewal'), hint });
  }
  if (ca.issuer.ok) return problems;
  const severity = ca.issuer.error.code === 'PKI_CA_KEY_ELSEWHERE' ? 'info' : 'warning';
  return [...problems, { ...problemOf(ca.issuer.error, ca.path), severity }];
}

/** Whether a reissue of the CA ends a problem: it has expired, or only the form of its file is wrong. */
export function isFixedByReissue({ code, fixedBy }: Problem): boolean {
  return code === 'PKI_CA_EXPIRED' || fixedBy === 'renewal';
}

/** Whether a problem of a CA keeps it from signing; a weak key or signature does not. */
export function isObstacle({ code }: Problem): boolean {
  return code !== 'PKI_CA_WEAK';
}
