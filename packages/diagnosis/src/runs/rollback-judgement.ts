import {
  type ExpiredCertificate,
  inspectCertificates,
  judgeCertificate,
  joinSubject,
  listExpired,
  type NodeReader,
} from '@kube-rescue/cert-rotation';
import { formatTime, isRecoveryError } from '@kube-rescue/errors';
import { type KubernetesObject, readObjectData, textAt } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import type { IntentRecord, RunDirectory } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { listReversible, readRestored } from './restored-files.ts';

/** A certificate that expires within this time is as good as expired: there is no time left to renew it. */
const SOON_MS = 24 * 3_600_000;

/**
 * Why rolling back a run would make things worse, whatever its outcome: one line for each certificate that works now and would
 * not afterwards. It would have expired, or expire within a day; it would not fit its key; or no CA that the node trusts would
 * have issued it. And one for an etcd that would have no majority again. A certificate that merely expires earlier than the present one is not worse, nor is one that is as bad now.
 *
 * Judges by the backups of the run and the present files, without units that another process has changed since. Objects are
 * not compared with their present content. Not called for an unfinished step, which is undone when a run is resumed.
 * @throws WorkflowError `BACKUP_SEALED` `JOURNAL_CORRUPT`; HostError
 */
export async function judgeRollback(
  run: RunDirectory,
  node: Pick<Node, 'host' | 'clock' | 'describe'>,
): Promise<readonly string[]> {
  const { activeChanges } = await run.state();
  if (activeChanges.length === 0) return [];
  await run.backup.assertOpens();
  const intents = await listReversible(activeChanges, node.host);
  const dates = await judgeDates(intents, run, node);
  const restores = await judgeRestores(intents, node.host);
  return [...new Set([...dates, ...(await judgeUse(intents, run, node)), ...restores])];
}

/** A restore without members that are gone for good has made a majority; with the old data there is none. */
async function judgeRestores(
  active: readonly Pick<IntentRecord, 'change'>[],
  host: Pick<Node, 'host'>['host'],
): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const { change } of active) {
    const { kind, target, without } = change;
    if (kind !== 'etcd.restore' || !Array.isArray(without)) continue;
    const { isRestoredBy } = await import('@kube-rescue/etcd-access/restore');
    if (!(await isRestoredBy(change, { host }))) continue;
    const gone = without.join(', ');
    reasons.push(`${target}: the old data is that of a member of etcd without a majority, ${gone} being gone for good`);
  }
  return reasons;
}

async function judgeDates(
  intents: readonly IntentRecord[],
  { backup }: RunDirectory,
  { host, clock }: Pick<Node, 'host' | 'clock'>,
): Promise<readonly string[]> {
  const now = clock.now();
  const soon = new Date(now.getTime() + SOON_MS);
  const reasons: string[] = [];
  for (const { change, captured } of intents) {
    // A change without a backup may have captured anything.
    const kept = textAt(captured, 'kept');
    if (kept === undefined) continue;
    const [worst] = byDate(listExpiredIn(change.kind, await backup.read(kept), soon));
    if (worst === undefined) continue;
    const present = change.kind.startsWith('file.') ? await host.readFile(hostPath(change.target)) : undefined;
    const [presentWorst] = present === undefined ? [] : byDate(listExpired(present, soon));
    const isExpired = worst.notAfter < now;
    // The present certificate is no better: the rollback does no harm.
    if (presentWorst !== undefined && (presentWorst.notAfter < now || !isExpired)) continue;
    const when = isExpired ? 'expired on' : 'expires already on';
    reasons.push(`${change.target}: the old ${worst.subject} ${when} ${formatTime(worst.notAfter)}`);
  }
  return reasons;
}

/** Compares what the certificates of this node are good for, before and after. */
async function judgeUse(
  intents: readonly IntentRecord[],
  run: RunDirectory,
  node: Pick<Node, 'host' | 'clock' | 'describe'>,
): Promise<readonly string[]> {
  const before = await listProblems(node.host, node);
  const after = await listProblems(await readRestored(intents, node.host, run), node);
  return [...after].flatMap(([key, message]) => (before.has(key) ? [] : [`${message} after the rollback`]));
}

/** Problems of this node's certificates other than dates, by certificate and code. */
async function listProblems(
  host: NodeReader,
  { clock, describe }: Pick<Node, 'clock' | 'describe'>,
): Promise<ReadonlyMap<string, string>> {
  const problems = new Map<string, string>();
  try {
    const inventory = await inspectCertificates((await describe()).inspection, { host });
    const options = { now: clock.now(), expiringWithinDays: 0 };
    for (const entry of inventory.certificates) {
      for (const { severity, code, subject, message } of judgeCertificate(entry, inventory, options)) {
        if (severity !== 'problem' || code === 'PKI_CERTIFICATE_EXPIRED') continue;
        problems.set(`${entry.id} ${code}`, joinSubject(subject, message));
      }
    }
  } catch (error) {
    // Not a node, or its configuration cannot be read: dates alone are judged.
    if (!isRecoveryError(error)) throw error;
  }
  return problems;
}

function byDate(certificates: readonly ExpiredCertificate[]): readonly ExpiredCertificate[] {
  return certificates.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
}

/** Of an object: the certificates in its data. */
function listExpiredIn(kind: string, bytes: Uint8Array, now: Date): readonly ExpiredCertificate[] {
  if (!kind.startsWith('object.')) return listExpired(bytes, now);
  const object = JSON.parse(Buffer.from(bytes).toString()) as KubernetesObject;
  return [...readObjectData(object).values()].flatMap((value) => listExpired(value, now));
}
