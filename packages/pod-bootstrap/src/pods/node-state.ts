import { fieldsAt, listAt, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';

/** The state of a node that pods should run on. */
export interface NodeState {
  readonly name: string;
  /** False without a heartbeat for a minute, regardless of the conditions: the node controller may be down. */
  readonly isHeartbeatFresh: boolean;
  readonly lastHeartbeat: Date | undefined;
  readonly isReady: boolean;
  /** The message of the Ready condition while the node is not Ready. */
  readonly message: string | undefined;
}

/** A kubelet renews its lease every ten seconds; kube-controller-manager tolerates forty. */
const HEARTBEAT_TIMEOUT_MS = 60_000;
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
  const heartbeat = Math.max(...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)));
  const isHeartbeatFresh = clock.now().getTime() - heartbeat < HEARTBEAT_TIMEOUT_MS;
  const isReady = textAt(ready, 'status') === 'True';
  return {
    name,
    isHeartbeatFresh,
    lastHeartbeat: Number.isFinite(heartbeat) ? new Date(heartbeat) : undefined,
    isReady: isHeartbeatFresh && isReady,
    message: isReady ? undefined : textAt(ready, 'message'),
  };
}
