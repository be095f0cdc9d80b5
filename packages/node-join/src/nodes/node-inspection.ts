import { type KubernetesObject, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { mapConcurrent } from '@kube-rescue/workflow';
import { type KubeletClient, readKubeletClient, readSignedClients } from '../join/kubelet-client.ts';
import { describeHeartbeat, isReadyNow, heartbeatOf, readLeases } from './node-heartbeat.ts';
import { kubeletVersionOf, labelsOf, type NodeReadiness, taintsOf } from './node-object.ts';
import { formatTaint } from './taint.ts';

/** One Node, by the cluster and, if reachable, the machine. */
export interface InspectedNode {
  readonly name: string;
  readonly readiness: NodeReadiness;
  /** The Node is Ready, and its kubelet has reported within the last 40 s. */
  readonly isReadyNow: boolean;
  /** When its kubelet last reported; RFC 3339. */
  readonly reportedAt: string | undefined;
  readonly roles: readonly string[];
  readonly taints: readonly string[];
  readonly kubeletVersion: string | undefined;
  readonly client: KubeletClient;
  /** One line for each problem. */
  readonly problems: readonly string[];
}

export interface NodeInspectionInput {
  /** Machines to read, by the name of their Node; an unreachable one may throw. */
  readonly openHost?: ((name: string) => Promise<Pick<Host, 'readFile'> | undefined>) | undefined;
  /** Kubeconfig paths of kubelets. Default: those of Tectonic and kubeadm. */
  readonly kubeconfigs?: readonly HostPath[] | undefined;
  readonly signal: AbortSignal;
  /** Called with an `ObjectError` for each unreadable Node, which is left out. Default: the inspection fails with that error. */
  readonly onUnreadable?: ((failure: Error) => void) | undefined;
}

const ROLE = 'node-role.kubernetes.io/';
const AT_A_TIME = 8;

/** Inspects every Node of a cluster, sorted by name. Changes nothing. Unreadable values are `unknown`. */
export async function inspectNodes(
  { openHost = async () => undefined, kubeconfigs, signal, onUnreadable }: NodeInspectionInput,
  { store, clock }: { readonly store: Pick<ObjectStore, 'get' | 'list'>; readonly clock: Pick<Clock, 'now'> },
): Promise<readonly InspectedNode[]> {
  const leases = await readLeases(store, signal);
  const nodes: Omit<InspectedNode, 'client'>[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal, onUnreadable })) {
    nodes.push(judgeNode(object, leases.get(object.metadata.name), clock.now()));
  }
  const signed = await readSignedClients(store, signal).catch((error: unknown) => {
    // Before Kubernetes 1.19 the API lacks this version of the requests.
    if (isRecoveryError(error)) return new Map<string, KubeletClient>();
    throw error;
  });
  const clientOf = async (name: string): Promise<KubeletClient> => {
    let reason = 'the node was not read, and the cluster has no request of its kubelet';
    try {
      const host = await openHost(name);
      if (host !== undefined) {
        const client = await readKubeletClient(host, kubeconfigs);
        if (client.source !== 'unknown') return client;
        reason = client.reason;
      }
    } catch (error) {
      if (!isRecoveryError(error)) throw error;
      reason = `${error.message} (${error.code})`;
    }
    return signed.get(name) ?? { source: 'unknown', reason };
  };
  return mapConcurrent(nodes.toSorted(byName), AT_A_TIME, async (node) => {
    const client = await clientOf(node.name);
    const isExpired = client.source !== 'unknown' && Date.parse(client.expiresAt) <= clock.now().getTime();
    const problems = isExpired ? [`the kubelet client certificate expired at ${client.expiresAt}`] : [];
    return { ...node, client, problems: [...node.problems, ...problems] };
  });
}

function byName(a: Pick<InspectedNode, 'name'>, b: Pick<InspectedNode, 'name'>): number {
  return a.name < b.name ? -1 : 1;
}

/** The needed part of a Node: Nodes are large, and there may be thousands. */
function judgeNode(
  node: KubernetesObject,
  lease: KubernetesObject | undefined,
  now: Date,
): Omit<InspectedNode, 'client'> {
  const { name } = node.metadata;
  const heartbeat = heartbeatOf(name, node, lease);
  const isReady = isReadyNow(heartbeat, now);
  return {
    name,
    ...heartbeat,
    isReadyNow: isReady,
    roles: Object.keys(labelsOf(node)).flatMap((key) => (key.startsWith(ROLE) ? [key.slice(ROLE.length)] : [])),
    taints: taintsOf(node).map(formatTaint),
    kubeletVersion: kubeletVersionOf(node),
    problems: isReady ? [] : [describeHeartbeat(heartbeat)],
  };
}
