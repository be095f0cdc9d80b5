import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { proveStableApi } from '../../proofs/api-stability.ts';
import type { Proof } from '../../proofs/proof.ts';
import {
  proveKubeadmAgrees,
  proveNewWorkload,
  proveNodeReady,
  proveNoneExpired,
  proveOldWorkload,
} from '../kubeadm-expired/prove-life.ts';
import type { ProveLifeInput } from '../scenario.ts';
import { proveOnEach } from './on-each.ts';
import { proveNewContainers } from './prove-containers.ts';
import { proveEndpoint } from './prove-endpoint.ts';
import { proveEtcdMembers } from './prove-etcd.ts';
import { proveKubeletSpeaks } from './prove-kubelet.ts';
import { proveElections } from './prove-leaders.ts';

/**
 * Proves that every control plane works, each by itself and all together, by kubectl, etcdctl, openssl, curl, ctr and kubeadm. Takes
 * 20 s on a healthy cluster.
 */
export async function proveAllServing(
  cluster: Cluster,
  { since, recoverySince = since }: ProveLifeInput,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const ofAll = await Promise.all([
    proveOnEach(cluster, proveStableApi, deps),
    proveOnEach(cluster, proveNoneExpired, deps),
    proveOnEach(cluster, proveKubeadmAgrees, deps),
    proveOnEach(cluster, proveNodeReady, deps),
    proveOnEach(cluster, (machine, own) => proveKubeletSpeaks(machine, recoverySince, own), deps),
    proveElections(cluster, deps),
    proveOldWorkload(cluster, since, deps),
    proveNewWorkload(cluster, deps),
  ]);
  // Afterwards: what restarts late would still be old now, and the load balancer would lose requests.
  const atTheEnd = await Promise.all([
    proveEndpoint(cluster, deps),
    proveEtcdMembers(cluster, deps),
    proveOnEach(cluster, (machine, own) => proveNewContainers(machine, recoverySince, own), deps),
  ]);
  return [...ofAll.flat(), ...atTheEnd.flat()];
}
