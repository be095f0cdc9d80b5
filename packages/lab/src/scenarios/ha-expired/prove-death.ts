import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import type { Proof } from '../../proofs/proof.ts';
import {
  proveAllExpired,
  proveEtcdctlFails,
  proveKubectlFails,
  proveKubeletStaysDown,
  proveNothingListens,
} from '../kubeadm-expired/prove-death.ts';
import { proveOnEach } from './on-each.ts';

/** Proves that every control plane is down, and that the endpoint in front of them does not answer. Restarts the kubelets. */
export async function proveAllDown(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const kubelets = await proveOnEach(cluster, proveKubeletStaysDown, deps);
  const others = await Promise.all([
    proveOnEach(cluster, proveAllExpired, deps),
    proveOnEach(cluster, proveNothingListens, deps),
    proveOnEach(cluster, proveEtcdctlFails, deps),
    proveKubectlFails(cluster, deps),
  ]);
  return [...kubelets, ...others.flat()];
}
