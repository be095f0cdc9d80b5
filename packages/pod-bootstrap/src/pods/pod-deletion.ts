import { type ObjectAccess, type ObjectDelete, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { Edit } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';

const INTERVAL_MS = 500;

/**
 * Waits until a deleted pod is gone: its object remains until its kubelet has terminated it.
 * @throws PodError `POD_NODE_NOT_REPORTING` when the kubelet did not terminate it in time
 */
export async function untilPodIsGone(
  { change }: Edit,
  {
    access,
    clock,
    timeoutMs,
    waitingFor,
  }: {
    readonly access: ObjectAccess;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly waitingFor: (what: string) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { object, uid } = change as ObjectDelete;
  const reference = { kind: RESOURCE_KINDS.Pod, name: object.name, namespace: object.namespace ?? undefined };
  const store = await access.open(signal);
  const start = clock.now().getTime();
  for (;;) {
    const read = await store.get(reference, { signal });
    if (read?.object.metadata.uid !== uid) return;
    if (clock.now().getTime() - start >= timeoutMs) {
      throw new PodError({
        code: 'POD_NODE_NOT_REPORTING',
        message: 'the pod was deleted, but its kubelet did not terminate it',
        subject: change.target,
        hint: `start the kubelet of its node; if the node is lost: kubectl delete pod ${object.name} --namespace ${object.namespace ?? ''} --force`,
      });
    }
    waitingFor(`the kubelet to terminate ${change.target}`);
    await clock.sleep(INTERVAL_MS, signal);
  }
}
