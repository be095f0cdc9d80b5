import { type KubernetesObject, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { type NodeReadiness, readinessOf } from './node-object.ts';

/** The heartbeat of a kubelet, by the objects of the cluster. */
export interface NodeHeartbeat {
  readonly node: KubernetesObject | undefined;
  readonly readiness: NodeReadiness;
  /** The last report, by its Lease (every 10 s) or its Node; RFC 3339, by the clock of the node. */
  readonly reportedAt: string | undefined;
}

/** The namespace of kubelet Leases, since Kubernetes 1.14. */
const LEASE_NAMESPACE = 'kube-node-lease';
/** Four renewals; then a running node controller sets the node to Unknown. */
const FRESH_MS = 40_000;

/** Reads the Node and its Lease. Without a node controller, the Node of a stopped kubelet stays Ready. */
export async function readHeartbeat(
  store: Pick<ObjectStore, 'get'>,
  name: string,
  signal: AbortSignal,
): Promise<NodeHeartbeat> {
  const node = (await store.get({ kind: RESOURCE_KINDS.Node, name }, { signal }))?.object;
  const lease = { kind: RESOURCE_KINDS.Lease, namespace: LEASE_NAMESPACE, name };
  return { node, ...heartbeatOf(name, node, (await store.get(lease, { signal }))?.object) };
}

/** The Leases of all kubelets by Node name; without unreadable ones. */
export async function readLeases(
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const leases = new Map<string, KubernetesObject>();
  const options = { namespace: LEASE_NAMESPACE, signal, onUnreadable: () => undefined };
  for await (const { object } of store.list(RESOURCE_KINDS.Lease, options)) leases.set(object.metadata.name, object);
  return leases;
}

/** The heartbeat from a Node and its Lease. */
export function heartbeatOf(
  name: string,
  node: KubernetesObject | undefined,
  lease: KubernetesObject | undefined,
): Omit<NodeHeartbeat, 'node'> {
  const renewed = textAt(lease?.spec, 'renewTime');
  const readiness = readinessOf(node ?? { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const reported = [renewed, readiness.reportedAt].filter((each) => each !== undefined).toSorted();
  return { readiness, reportedAt: reported.at(-1) };
}

/** Whether a kubelet has recently reported Ready. A large clock skew between nodes falsifies this. */
export function isReadyNow({ readiness, reportedAt }: Omit<NodeHeartbeat, 'node'>, now: Date): boolean {
  const age = now.getTime() - Date.parse(reportedAt ?? '');
  return readiness.status === 'True' && Math.abs(age) < FRESH_MS;
}

/** One line for messages. */
export function describeHeartbeat({ readiness, reportedAt }: Omit<NodeHeartbeat, 'node'>): string {
  const { status, since, reason } = readiness;
  if (status === 'Missing') return 'its kubelet has never reported';
  const condition = status === 'True' ? 'Ready' : `not Ready${reason === undefined ? '' : ` (${reason})`}`;
  return `${condition} since ${since ?? 'an unknown time'}, last reported ${reportedAt ?? 'at an unknown time'}`;
}
