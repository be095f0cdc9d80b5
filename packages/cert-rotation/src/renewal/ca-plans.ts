import { formatTime } from '@kube-rescue/errors';
import { type Clock, type HostPath, hostPath } from '@kube-rescue/host';
import type { Change, Edit } from '@kube-rescue/workflow';
import { assertLifetime } from '@kube-rescue/x509';
import { inspectCa } from '../inventory/ca-inventory.ts';
import { describeLoss } from '../inventory/loss.ts';
import { joinSubject } from '../judgement/problem.ts';
import {
  blockedCa,
  describeNextCa,
  findReissueObstacle,
  nextCaCertificate,
  observeCa,
  type ReissueContext,
} from './ca-observation.ts';
import { DEFAULT_CA_DAYS } from './ca-reissue.ts';
import {
  type CaRestoration,
  isLost,
  planRestoration,
  readRestored,
  type Refusal,
  refuseRestoration,
  type RestorationInput,
} from './ca-restoration.ts';
import type { CaId } from '../inventory/catalogue.ts';
import { PkiError } from '../errors.ts';
import type { FileFinding, FilePlan } from './file-plan.ts';
import { CERTIFICATE_MODE, followLinks, planFileChange, planLostFile } from './file-target.ts';
import type { CertificateInventory } from '../inventory/inventory.ts';
import type { ReissuedCas } from './reissued-cas.ts';
import { describeUneditable, renderTrustLocation, type TrustLocation } from './trust-locations.ts';

/** How CAs are reissued with the same keys. */
export interface ReissueOptions {
  /** Lifetime of the CA's new certificate. Default: 3650, kubeadm's. */
  readonly caDays?: number | undefined;
  /** CAs to reissue before they expire. Default: none. */
  readonly force?: readonly CaId[] | undefined;
  /** Certificates that were reissued elsewhere, to install instead of issuing; see `readReissuedCas`. Default: none. */
  readonly reissued?: ReissuedCas | undefined;
}

async function checkPresent(context: ReissueContext, now: Date): Promise<FileFinding> {
  const { ca, reissued, host } = context;
  const observation = await observeCa(context, now);
  const { name } = ca.definition;
  if (!('current' in observation)) {
    const finding = blockedCa(observation, true, now);
    if (finding === undefined) throw new Error(`${ca.id} has no certificate and no problem`);
    return finding;
  }
  const { current, isToBeReissued, stale, uneditable } = observation;
  const finding = findReissueObstacle(observation, now);
  if (finding !== undefined) return finding;
  const until = formatTime(current.notAfter);
  if (stale.length === 0) {
    const evidence = describeUneditable(uneditable);
    return { status: 'ok', summary: `${name} is valid until ${until}`, evidence, changes: [] };
  }
  const expired = now > current.notAfter ? `expired on ${until}` : `is valid until ${until}`;
  const summary = isToBeReissued
    ? `${name} ${expired}`
    : stale.every(({ isMisshapen }) => isMisshapen)
      ? `${name} is valid, but Go cannot read ${stale.map(({ path }) => path).join(', ')}`
      : `${name} is valid, but its ${reissued === undefined ? 'expired' : 'older'} certificate is still trusted`;
  const changes = await Promise.all(stale.map(({ path }) => planFileChange(path, host)));
  return {
    status: 'needed',
    summary,
    evidence: [
      ...(isToBeReissued ? [describeNextCa(context, now)] : []),
      ...stale.map(({ path }) => `trusted in ${path}`),
      ...describeUneditable(uneditable),
    ],
    changes: [...new Map(changes.map((change) => [change.target, change])).values()],
  };
}

/** A CA whose certificate was lost, as if its file was there again. */
interface Restored {
  readonly lost: RestorationInput['ca'];
  readonly restoration: CaRestoration;
  readonly context: ReissueContext;
}

/** `undefined` when the certificate of the CA was not lost. */
async function restore(
  context: ReissueContext,
  now: Date,
): Promise<Restored | { readonly lost: RestorationInput['ca']; readonly refusal: Refusal } | undefined> {
  const { ca, input, days, host, isForced, reissued } = context;
  const entry = await inspectCa(ca.id, ca.path, input, host);
  if (!isLost(entry)) return undefined;
  const restoration = await planRestoration({ ca: entry, input, days, reissued }, host, now);
  if ('missing' in restoration) return { lost: entry, refusal: restoration };
  const restored = { ...(await readRestored(host, ca.path, restoration)), list: (path: HostPath) => host.list(path) };
  const { isIssued } = restoration;
  return { lost: entry, restoration, context: { ...context, host: restored, isForced: isForced && !isIssued } };
}

async function checkReissue(context: ReissueContext, now: Date): Promise<FileFinding> {
  const restored = await restore(context, now);
  if (restored === undefined) return checkPresent(context, now);
  if ('refusal' in restored) return refuseRestoration(restored.lost, restored.refusal);
  const finding = await checkPresent(restored.context, now);
  if (finding.status !== 'ok' && finding.status !== 'needed') return finding;
  const { restoration, lost } = restored;
  const change = await planLostFile(lost.path, CERTIFICATE_MODE, context.host);
  const cause = joinSubject(lost.definition.name, describeLoss(lost.lost.loss));
  return {
    ...finding,
    status: 'needed',
    summary: [cause, restoration.summary, ...(finding.status === 'needed' ? [finding.summary] : [])].join('; '),
    evidence: [...restoration.evidence, ...finding.evidence],
    warnings: [...restoration.warnings, ...(finding.warnings ?? [])],
    changes: [change, ...finding.changes.filter(({ target }) => target !== change.target)],
  };
}

async function makeEdits(context: ReissueContext, changes: readonly Change[], now: Date): Promise<readonly Edit[]> {
  const restored = await restore(context, now);
  if (restored === undefined) return makePresentEdits(context, changes, now);
  if ('refusal' in restored) {
    throw new PkiError({
      code: 'PKI_CERTIFICATE_LOST',
      message: `the certificate of the ${context.ca.definition.name} cannot be written again: ${restored.refusal.missing}`,
      subject: context.ca.path,
      hint: 'find out which other process writes here, then plan again',
    });
  }
  const target = await followLinks(context.host, context.ca.path);
  const lost = Buffer.from(restored.restoration.text, 'latin1');
  const edits = await makePresentEdits(restored.context, changes, now);
  return edits.map((edit) =>
    edit.change.target === target && edit.material === undefined ? { ...edit, material: lost } : edit,
  );
}

async function makePresentEdits(
  context: ReissueContext,
  changes: readonly Change[],
  now: Date,
): Promise<readonly Edit[]> {
  const { ca, host } = context;
  const observation = await observeCa(context, now);
  if (!('current' in observation)) throw new Error(`${ca.id} lost its certificate after it was checked`);
  const { isToBeReissued, stale } = observation;
  const current = isToBeReissued ? nextCaCertificate(context, observation, now) : observation.current;
  const locations = new Map<string, TrustLocation>();
  for (const location of stale) locations.set(await followLinks(host, location.path), location);
  return Promise.all(
    changes.map(async (change): Promise<Edit> => {
      const location = locations.get(change.target);
      const bytes = await host.readFile(hostPath(change.target));
      if (location === undefined || bytes === undefined) return { change };
      return { change, material: renderTrustLocation(location, bytes, current) };
    }),
  );
}

/** The plan of one CA. */
interface ReissuePlan extends FilePlan {
  readonly context: ReissueContext;
}

export interface ReissueInput {
  readonly inventory: CertificateInventory;
  readonly options?: ReissueOptions;
}

/**
 * One plan for every CA of an inventory: reissues its certificate with the same key, in every file of the node that holds it;
 * writes a lost certificate again.
 *
 * @throws PkiError `PKI_LIFETIME_INVALID`; `PKI_CERTIFICATE_UNKNOWN` for a CA in `force` that this node does not have
 */
export function planReissues(
  { inventory, options = {} }: ReissueInput,
  { host, clock }: { readonly host: ReissueContext['host']; readonly clock: Clock },
): readonly ReissuePlan[] {
  const { caDays: days = DEFAULT_CA_DAYS, force = [], reissued } = options;
  assertLifetime(days);
  assertCasKnown(force, inventory);
  return inventory.cas.map((ca) => {
    const isForced = force.includes(ca.id);
    const own = { days, isForced, reissued: reissued?.get(ca.id) };
    const context: ReissueContext = { ca, input: inventory.input, ...own, host };
    return {
      context,
      check: () => checkReissue(context, clock.now()),
      render: (changes) => makeEdits(context, changes, clock.now()),
    };
  });
}

/** @throws PkiError `PKI_CERTIFICATE_UNKNOWN` for CAs that a node does not have */
export function assertCasKnown(ids: readonly CaId[], { cas }: Pick<CertificateInventory, 'cas'>): void {
  const unknown = ids.filter((id) => !cas.some((ca) => ca.id === id));
  if (unknown.length === 0) return;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: 'unknown CA on this node',
    subject: unknown.join(', '),
    hint: `choose from ${cas.map(({ id }) => id).join(', ')}; CAs that share a file count as the first`,
  });
}
