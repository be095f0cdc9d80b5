import { type ExpiredCertificate, listExpired } from '@kube-rescue/cert-rotation';
import { type KubernetesObject, readObjectData, textAt } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import type { RunDirectory } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';

/**
 * Why taking a run back would make things worse: which certificates it would put back that have expired, in the place of
 * what has not. A line each; none for a run that did not come to its end, because that has made nothing good yet.
 *
 * Judges by what the run has kept. What it changed in objects is not compared with what they hold now.
 * @throws WorkflowError `BACKUP_SEALED` `JOURNAL_CORRUPT`; HostError
 */
export async function judgeRollback(
  run: RunDirectory,
  { host, clock }: Pick<Node, 'host' | 'clock'>,
): Promise<readonly string[]> {
  const { activeChanges, outcome } = await run.state();
  if (outcome !== 'done') return [];
  await run.backup.assertOpens();
  const now = clock.now();
  const reasons: string[] = [];
  for (const { change, captured } of activeChanges) {
    // A change that keeps no bytes may have captured anything, or nothing.
    const kept = textAt(captured, 'kept');
    if (kept === undefined) continue;
    const old = listExpiredIn(change.kind, await run.backup.read(kept), now);
    const [worst] = old.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
    if (worst === undefined) continue;
    const present = change.kind.startsWith('file.') ? await host.readFile(hostPath(change.target)) : undefined;
    // It has expired as well since: going back does not make it worse.
    if (present !== undefined && listExpired(present, now).length > 0) continue;
    reasons.push(`${change.target}: the old ${worst.subject} expired on ${worst.notAfter.toISOString()}`);
  }
  return reasons;
}

/** Of an object, what its data holds. */
function listExpiredIn(kind: string, bytes: Uint8Array, now: Date): readonly ExpiredCertificate[] {
  if (!kind.startsWith('object.')) return listExpired(bytes, now);
  const object = JSON.parse(Buffer.from(bytes).toString()) as KubernetesObject;
  return [...readObjectData(object).values()].flatMap((value) => listExpired(value, now));
}
