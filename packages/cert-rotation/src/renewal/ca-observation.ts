import { formatTime, IS_KNOWN_WRONG } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { type Certificate, isSameCertificate, isSelfSigned, planCaValidity, reissueCa } from '@kube-rescue/x509';
import { type CaEntry, inspectCa } from '../inventory/ca-inventory.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { isFixedByReissue, isObstacle, judgeCa, signingCertificate } from '../judgement/ca-judgement.ts';
import { joinSubject } from '../judgement/problem.ts';
import type { FileFinding } from './file-plan.ts';
import type { ReissuedCa } from './reissued-cas.ts';
import { findTrustLocations, type TrustLocation, type UneditableTrust } from './trust-locations.ts';

export interface ReissueContext {
  readonly ca: Pick<CaEntry, 'id' | 'path' | 'definition' | 'lost'>;
  readonly input: InspectionInput;
  readonly days: number;
  readonly isForced: boolean;
  /** Installed instead of issuing. */
  readonly reissued: ReissuedCa | undefined;
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;
}

/** A CA, read again, and the files that must change to trust it. */
interface Observation {
  readonly entry: CaEntry;
  readonly current: Certificate;
  readonly isToBeReissued: boolean;
  readonly stale: readonly TrustLocation[];
  readonly uneditable: readonly UneditableTrust[];
}

/** Reads a CA and the files that trust it; the entry alone where it has no certificate. */
export async function observeCa(context: ReissueContext, now: Date): Promise<Observation | CaEntry> {
  const { ca, input, isForced, reissued, host } = context;
  const entry = await inspectCa(ca.id, ca.path, input, host);
  const current = signingCertificate(entry);
  if (current === undefined) return entry;
  const isToBeReissued =
    reissued === undefined ? isForced || now > current.notAfter : !isSameCertificate(current, reissued.certificate);
  const isOld = (certificate: Certificate): boolean =>
    reissued === undefined ? now > certificate.notAfter : !isSameCertificate(certificate, reissued.certificate);
  const { locations, uneditable } = await findTrustLocations(current, { ...input, caPath: ca.path }, host);
  const stale = locations.filter(
    ({ certificates, isMisshapen }) => isToBeReissued || isMisshapen || certificates.every(isOld),
  );
  return { entry, current, isToBeReissued, stale, uneditable };
}

/** Why a CA that is observed cannot be reissued here; `undefined` when it can, and when it need not be and has no problem. */
export function findReissueObstacle(
  { entry, current, isToBeReissued }: Observation,
  now: Date,
): FileFinding | undefined {
  const finding = blockedCa(entry, isToBeReissued, now);
  if (finding !== undefined) return finding;
  return isToBeReissued && !isSelfSigned(current) ? blockedByIssuer(entry) : undefined;
}

/** The finding of a CA with a problem that no reissue ends. A missing or foreign key blocks only a new certificate. */
export function blockedCa(entry: CaEntry, needsKey: boolean, now: Date): FileFinding | undefined {
  const problems = judgeCa(entry, now);
  const obstacles = problems.filter((problem) => isObstacle(problem) && !isFixedByReissue(problem));
  const [first] = obstacles.filter(({ severity }) => needsKey || severity === 'problem');
  if (first === undefined) return undefined;
  const { code, kind, message, subject, hint } = first;
  const expired = problems.find((problem) => problem.code === 'PKI_CA_EXPIRED');
  return {
    status: IS_KNOWN_WRONG[kind] ? 'blocked' : 'unknown',
    summary: joinSubject(entry.definition.name, expired === undefined ? message : `${expired.message}, and ${message}`),
    evidence: [],
    code: expired?.code ?? code,
    subject: expired === undefined ? subject : entry.path,
    hint: expired?.hint ?? hint,
    changes: [],
  };
}

function blockedByIssuer({ definition, path }: CaEntry): FileFinding {
  return {
    status: 'blocked',
    summary: `${definition.name} was signed by another CA, so this node cannot reissue it`,
    evidence: [],
    code: 'PKI_CA_EXPIRED',
    subject: path,
    hint: 'reissue it with the same key and subject where the key of its issuer is',
    changes: [],
  };
}

/**
 * The next certificate of a CA: the reissued one that was handed in, otherwise a new one with the same key.
 * @throws X509Error `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`; the error of a missing key
 */
export function nextCaCertificate(
  { ca, days, reissued }: Pick<ReissueContext, 'ca' | 'days' | 'reissued'>,
  { entry, current }: Pick<Observation, 'entry' | 'current'>,
  now: Date,
): Certificate {
  if (reissued !== undefined) return reissued.certificate;
  if (!entry.issuer.ok) throw entry.issuer.error;
  const { key, keyPath } = entry.issuer.value;
  const validity = planCaValidity(now, days);
  return reissueCa({ template: current, key, keySource: keyPath, validity, subject: ca.path });
}

/** Completes the evidence of a CA that changes. */
export function describeNextCa({ days, reissued }: Pick<ReissueContext, 'days' | 'reissued'>, now: Date): string {
  if (reissued === undefined)
    return `reissued with the same key and subject, valid until ${formatTime(planCaValidity(now, days).notAfter)}`;
  const { path, certificate } = reissued;
  const { serialNumber } = certificate.x509;
  return `replaced by ${path}, with the same key and subject: serial ${serialNumber}, valid until ${formatTime(certificate.notAfter)}`;
}
