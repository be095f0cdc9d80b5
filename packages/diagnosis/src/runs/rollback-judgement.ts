import { type ExpiredCertificate, listExpired } from '@kube-rescue/cert-rotation';
import { formatTime } from '@kube-rescue/errors';
import { type KubernetesObject, readObjectData, textAt } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import type { RunDirectory } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';

/**
 * Why rolling back a run would do harm: one line for each expired certificate that would replace a valid one. Empty for a run
 * that did not finish.
 *
 * Judges by the backups of the run. Objects are not compared with their present content.
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
    // A change without a backup may have captured anything.
    const kept = textAt(captured, 'kept');
    if (kept === undefined) continue;
    const old = listExpiredIn(change.kind, await run.backup.read(kept), now);
    const [worst] = old.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
    if (worst === undefined) continue;
    const present = change.kind.startsWith('file.') ? await host.readFile(hostPath(change.target)) : undefined;
    // The present certificate has expired as well: the rollback does no harm.
    if (present !== undefined && listExpired(present, now).length > 0) continue;
    reasons.push(`${change.target}: the old ${worst.subject} expired on ${formatTime(worst.notAfter)}`);
  }
  return reasons;
}

/** Of an object: the certificates in its data. */
function listExpiredIn(kind: string, bytes: Uint8Array, now: Date): readonly ExpiredCertificate[] {
  if (!kind.startsWith('object.')) return listExpired(bytes, now);
  const object = JSON.parse(Buffer.from(bytes).toString()) as KubernetesObject;
  return [...readObjectData(object).values()].flatMap((value) => listExpired(value, now));
}
