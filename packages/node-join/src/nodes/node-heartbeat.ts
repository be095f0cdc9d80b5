import { type KubernetesObject, type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { type NodeReadiness, readinessOf } from './node-object.ts';

/** What a cluster knows of a kubelet's being alive. */
export interface NodeHeartbeat {
  readonly node: KubernetesObject | undefined;
  readonly readiness: NodeReadiness;
  /** When it last said so, by its Lease (every 10 s) or its Node; RFC 3339, by the node's own clock. */
  readonly reportedAt: string | undefined;
}

/** Where kubelets keep their Leases, from Kubernetes 1.14 on. */
const LEASE_NAMESPACE = 'kube-node-lease';
/** Four renewals; then the node controller calls a node Unknown, where it runs. */
const FRESH_MS = 40_000;

/** Reads the Node and its Lease. In a cluster without a node controller a dead kubelet's Node still says Ready. */
export async function readHeartbeat(
  store: Pick<ObjectStore, 'get'>,
  name: string,
  signal: AbortSignal,
): Promise<NodeHeartbeat> {
  const node = (await store.get({ kind: RESOURCE_KINDS.Node, name }, { signal }))?.object;
  const lease = { kind: RESOURCE_KINDS.Lease, namespace: LEASE_NAMESPACE, name };
  return { node, ...pulseOf(name, node, (await store.get(lease, { signal }))?.object) };
}

/** The Leases of all kubelets by the names of their Nodes; one that cannot be read is left out. */
export async function readLeases(
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const leases = new Map<string, KubernetesObject>();
  const options = { namespace: LEASE_NAMESPACE, signal, onUnreadable: () => undefined };
  for await (const { object } of store.list(RESOURCE_KINDS.Lease, options)) leases.set(object.metadata.name, object);
  return leases;
}

/** What a Node and its Lease say together. */
export function pulseOf(
  name: string,
  node: KubernetesObject | undefined,
  lease: KubernetesObject | undefined,
): Omit<NodeHeartbeat, 'node'> {
  const renewed = textAt(lease?.spec, 'renewTime');
  const readiness = readinessOf(node ?? { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const reported = [renewed, readiness.reportedAt].filter((each) => each !== undefined).toSorted();
  return { readiness, reportedAt: reported.at(-1) };
}

/** Whether a kubelet reports that it is ready, and did so just now. Clocks of nodes that differ much make it look dead. */
export function isReadyNow({ readiness, reportedAt }: Omit<NodeHeartbeat, 'node'>, now: Date): boolean {
  const age = now.getTime() - Date.parse(reportedAt ?? '');
  return readiness.status === 'True' && Math.abs(age) < FRESH_MS;
}

/** One line for a person. */
export function describeHeartbeat({ readiness, reportedAt }: Omit<NodeHeartbeat, 'node'>): string {
  const { status, since, reason } = readiness;
  if (status === 'Missing') return 'its kubelet has never reported';
  const told = status === 'True' ? 'Ready' : `not Ready${reason === undefined ? '' : ` (${reason})`}`;
  return `${told} since ${since ?? 'an unknown time'}, last reported ${reportedAt ?? 'at an unknown time'}`;
}
