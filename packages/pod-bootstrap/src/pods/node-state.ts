import { fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';

/** What is known of a node that pods are to run on. */
export interface NodeState {
  readonly name: string;
  /** False when its kubelet has not been heard for a minute, whatever the conditions say: nobody may be there to turn them. */
  readonly isHeartbeatFresh: boolean;
  readonly lastHeartbeat: Date | undefined;
  readonly isReady: boolean;
  /** What the kubelet says of itself while it is not Ready. */
  readonly message: string | undefined;
}

/** A kubelet renews its lease every ten seconds, and is given forty by kube-controller-manager. */
const SILENCE_MS = 60_000;
const KUBELET_LEASES = 'kube-node-lease';

/** @returns `undefined` when no such node is registered */
export async function readNode(
  name: string,
  { store, clock }: { readonly store: Pick<ObjectStore, 'get'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<NodeState | undefined> {
  const read = await store.get({ kind: RESOURCE_KINDS.Node, name }, { signal });
  if (read === undefined) return undefined;
  const lease = await store.get({ kind: RESOURCE_KINDS.Lease, namespace: KUBELET_LEASES, name }, { signal });
  const conditions = listAt(fieldsAt(read.object, 'status'), 'conditions');
  const ready = conditions.find((each) => textAt(each, 'type') === 'Ready');
  const times = [textAt(fieldsAt(lease?.object, 'spec'), 'renewTime'), textAt(ready, 'lastHeartbeatTime')];
  const heard = Math.max(...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)));
  const isHeartbeatFresh = clock.now().getTime() - heard < SILENCE_MS;
  const isReady = textAt(ready, 'status') === 'True';
  return {
    name,
    isHeartbeatFresh,
    lastHeartbeat: Number.isFinite(heard) ? new Date(heard) : undefined,
    isReady: isHeartbeatFresh && isReady,
    message: isReady ? undefined : textAt(ready, 'message'),
  };
}
