import { IS_KNOWN_WRONG } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { type FileRemove, readBefore } from '@kube-rescue/workflow';
import { planValidity } from '@kube-rescue/x509';
import { judgeCa, signingCertificate } from '../judgement/ca-judgement.ts';
import { findReissuable } from './ca-reissue.ts';
import { type CaId, type CertificateId, reissueStepId } from '../inventory/catalogue.ts';
import {
  type CertificateEntry,
  type CertificateInventory,
  inspectCertificates,
  type InspectionInput,
} from '../inventory/inventory.ts';
import { findShortfall, judgeCertificate } from '../judgement/judgement.ts';
import type { Problem } from '../judgement/problem.ts';
import type { FileFinding } from './file-plan.ts';
import { planRenewalChanges } from './renewal-files.ts';
import type { ResolvedRenewalOptions } from './renewal-options.ts';

export type RenewalFinding = FileFinding;

export interface RenewalContext {
  readonly id: CertificateId;
  /** The other purposes of the same pair. */
  readonly alsoServesAs: readonly CertificateId[];
  readonly input: InspectionInput;
  readonly options: ResolvedRenewalOptions;
  /** Authorities that earlier steps of the same plan issue anew when they have expired. */
  readonly reissued: readonly CaId[];
  readonly host: Pick<Host, 'readFile' | 'readLink' | 'stat'>;
}

/** One certificate, looked at anew. */
export interface Observation {
  readonly inventory: CertificateInventory;
  readonly entry: CertificateEntry | undefined;
}

/** Looks at one certificate and its authority again. */
export async function observe({ id, alsoServesAs, input, host }: RenewalContext): Promise<Observation> {
  const inventory = await inspectCertificates({ ...input, only: [id, ...alsoServesAs] }, { host });
  return { inventory, entry: inventory.certificates.find((entry) => entry.id === id) };
}

/**
 * Tells whether the kubelet made its serving pair itself: `NAME@SECONDS`, signed by `NAME-ca@SECONDS` (client-go
 * `util/cert/cert.go` GenerateSelfSignedCertKey).
 */
function isMadeByKubelet(entry: CertificateEntry): boolean {
  if (!entry.certificate.ok) return false;
  const { subject, issuer } = entry.certificate.value.x509;
  return /CN=.+@\d+$/.test(subject ?? '') && /CN=.+-ca@\d+$/.test(issuer ?? '');
}

function obstacles(entry: CertificateEntry, problems: readonly Problem[], newKeys: boolean): readonly Problem[] {
  const real = problems.filter(({ severity }) => severity === 'problem');
  if (entry.definition.home.in !== 'kubelet-self-signed') {
    return real.filter(({ fixedBy }) => fixedBy === 'person' || (fixedBy === 'new-key' && !newKeys));
  }
  if (isMadeByKubelet(entry)) return [];
  const hint = 'renew it with the tool that made it, or skip this step: the kubelet did not make it itself';
  return real.map((problem) => ({ ...problem, hint }));
}

function blocked(entry: CertificateEntry, [first, ...others]: readonly [Problem, ...Problem[]]): RenewalFinding {
  const { code, kind, subject, hint } = first;
  return {
    // What the host could not read is not known to be wrong.
    status: IS_KNOWN_WRONG[kind] ? 'blocked' : 'unknown',
    summary: `${entry.definition.name}: ${first.message}`,
    evidence: others.map((problem) => `${problem.subject}: ${problem.message}`),
    code,
    subject,
    hint,
    changes: [],
  };
}

async function planRemoval(entry: CertificateEntry, host: RenewalContext['host']): Promise<readonly FileRemove[]> {
  const paths = [...new Set([entry.certificatePlace.path, entry.keyPlace.path])];
  const removals = await Promise.all(
    paths.map(async (target) => ({ kind: 'file.remove' as const, target, before: await readBefore(host, target) })),
  );
  return removals.filter(({ before }) => before !== 'absent');
}

/** Those of `names` that the certificate does not name. */
export function findLackingNames(entry: CertificateEntry, names: readonly string[]): readonly string[] {
  if (!entry.certificate.ok) return [];
  const { names: lacking } = findShortfall(entry.certificate.value, { names, usages: [] });
  return lacking;
}

function isSomething(problems: readonly Problem[]): problems is readonly [Problem, ...Problem[]] {
  return problems.length > 0;
}

/**
 * Judges one certificate and, where it has to be renewed and can be, says which files that changes. Reads only.
 *
 * An expired authority, or one that this machine's clock has not reached, blocks its leaves even when they are valid.
 */
export async function checkRenewal(context: RenewalContext, now: Date): Promise<RenewalFinding> {
  const { options, host } = context;
  const { inventory, entry } = await observe(context);
  if (entry === undefined) {
    const reason =
      inventory.absent.find(({ id }) => id === context.id)?.reason ?? 'it is kept with another certificate';
    return { status: 'ok', summary: `there is no ${context.id}: ${reason}`, evidence: [], changes: [] };
  }
  const { name } = entry.definition;
  const problems = judgeCertificate(entry, inventory, { now, expiringWithinDays: options.expiringWithinDays });
  const ca = inventory.cas.find(({ id }) => id === entry.ca);
  // Issued anew with the same key, an authority stays the one that signed what is valid.
  const awaited = ca !== undefined && context.reissued.includes(ca.id) && findReissuable(ca, now) !== undefined;
  const caProblems = ca === undefined || awaited ? [] : judgeCa(ca, now);
  const lacking = findLackingNames(entry, options.addNames);
  const isOurs = entry.definition.home.in !== 'kubelet-self-signed';
  const isWanted = problems.length > 0 || (isOurs && (options.all || lacking.length > 0));

  const blockers = [
    ...caProblems.filter(({ severity }) => isWanted || severity === 'problem'),
    ...obstacles(entry, problems, options.newKeys),
  ];
  if (isSomething(blockers)) return blocked(entry, blockers);

  const evidence = problems.map((problem) => `${problem.subject}: ${problem.message}`);
  if (!isWanted) {
    const until = entry.certificate.ok ? entry.certificate.value.notAfter.toISOString() : '';
    return { status: 'ok', summary: `${name} is valid until ${until}`, evidence, changes: [] };
  }
  const reason = lacking.length > 0 ? `it does not name ${lacking.join(', ')}` : 'renewed because all were asked for';
  const summary = `${name}: ${problems[0]?.message ?? reason}`;
  if (entry.definition.home.in === 'kubelet-self-signed') {
    return { status: 'needed', summary, evidence, changes: await planRemoval(entry, host) };
  }
  const issuer = ca === undefined ? undefined : signingCertificate(ca);
  if (issuer === undefined) throw new Error(`${entry.id} has no authority to renew it`);
  if (now > issuer.notAfter) {
    const waitsFor = [reissueStepId(ca?.id ?? 'cluster')];
    const waiting = `${summary}, and its authority has to be issued anew first`;
    return { status: 'blocked', summary: waiting, evidence, code: 'PKI_CA_EXPIRED', waitsFor, changes: [] };
  }
  const { notAfter, clipped } = planValidity(issuer, now, options.days);
  const lifetime = `the new certificate ends on ${notAfter.toISOString()}${clipped ? ', when its authority ends' : ''}`;
  const changes = await planRenewalChanges(entry, { newKeys: options.newKeys, now }, host);
  return { status: 'needed', summary, evidence: [...evidence, lifetime], changes };
}
