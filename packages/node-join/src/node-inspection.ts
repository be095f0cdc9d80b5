import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { inParallel } from './in-parallel.ts';
import { type KubeletClient, readKubeletClient, readSignedClients } from './kubelet-client.ts';
import { describePulse, isReadyNow, readPulse } from './kubelet-pulse.ts';
import { kubeletVersionOf, labelsOf, type NodeReadiness, taintsOf } from './node-object.ts';
import { formatTaint } from './taint.ts';

/** One Node, as the cluster and, where it could be asked, the machine itself tell it. */
export interface InspectedNode {
  readonly name: string;
  readonly readiness: NodeReadiness;
  /** It says so, and its kubelet has reported within the last 40 s. */
  readonly isReadyNow: boolean;
  /** When its kubelet last reported; RFC 3339. */
  readonly reportedAt: string | undefined;
  readonly roles: readonly string[];
  readonly taints: readonly string[];
  readonly kubeletVersion: string | undefined;
  readonly client: KubeletClient;
  /** A line for everything that is wrong with it. */
  readonly problems: readonly string[];
}

export interface NodeInspectionInput {
  /** Machines that may be asked, by the name of their Node; one that cannot be reached may throw. */
  readonly openHost?: ((name: string) => Promise<Pick<Host, 'readFile'> | undefined>) | undefined;
  /** Where kubelets keep their kubeconfig. Default: where Tectonic and kubeadm do. */
  readonly kubeconfigs?: readonly HostPath[] | undefined;
  readonly signal: AbortSignal;
}

const ROLE = 'node-role.kubernetes.io/';
const AT_A_TIME = 8;

/** Looks at every Node of a cluster, sorted by name. Changes nothing. What cannot be known is `unknown`, not well. */
export async function inspectNodes(
  { openHost = async () => undefined, kubeconfigs, signal }: NodeInspectionInput,
  { store, clock }: { readonly store: Pick<ObjectStore, 'get' | 'list'>; readonly clock: Pick<Clock, 'now'> },
): Promise<readonly InspectedNode[]> {
  const names: string[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal })) names.push(object.metadata.name);
  const signed = await readSignedClients(store, signal).catch((error: unknown) => {
    // Before Kubernetes 1.19 the API has no requests of this version.
    if (isRecoveryError(error)) return new Map<string, KubeletClient>();
    throw error;
  });
  const clientOf = async (name: string): Promise<KubeletClient> => {
    let reason = 'the node was not asked, and the cluster keeps no request of it';
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
  return inParallel(names.toSorted(), AT_A_TIME, async (name) => {
    const [pulse, client] = await Promise.all([readPulse(store, name, signal), clientOf(name)]);
    const { node, readiness, reportedAt } = pulse;
    const isReady = isReadyNow(pulse, clock.now());
    const isExpired = client.source !== 'unknown' && Date.parse(client.expiresAt) <= clock.now().getTime();
    const problems = [
      ...(isReady ? [] : [describePulse(pulse)]),
      ...(isExpired ? [`its client certificate expired at ${client.expiresAt}`] : []),
    ];
    return {
      name,
      readiness,
      isReadyNow: isReady,
      reportedAt,
      roles: Object.keys(node === undefined ? {} : labelsOf(node)).flatMap((key) =>
        key.startsWith(ROLE) ? [key.slice(ROLE.length)] : [],
      ),
      taints: node === undefined ? [] : taintsOf(node).map(formatTaint),
      kubeletVersion: node && kubeletVersionOf(node),
      client,
      problems,
    };
  });
}
