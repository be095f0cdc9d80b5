import { createCluster } from '../../cluster/cluster.ts';
import { expireCertificates } from '../kubeadm-expired/expire-certificates.ts';
import { proveDeath } from '../kubeadm-expired/prove-death.ts';
import { proveLife } from '../kubeadm-expired/prove-life.ts';
import type { ClusterScenario } from '../scenario.ts';
import { proveAddons } from './prove-addons.ts';

/** As `kubeadm-expired`, on a cluster with addons and a worker, and the kubelet's serving certificate has expired too. */
export const kubeadmFull: ClusterScenario = {
  what: 'every certificate expires, that of the kubelet server included',
  needsAddons: true,
  createCluster,
  proveHealth: proveAddons,
  breakCluster: expireCertificates,
  proveDeath,
  proveLife: async (cluster, input, deps) => [
    ...(await proveLife(cluster, input, deps)),
    ...(await proveAddons(cluster, deps)),
  ],
};
