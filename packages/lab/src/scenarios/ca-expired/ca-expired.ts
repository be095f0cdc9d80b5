import type { KubeadmCaName } from './ca-file.ts';
import { createCluster } from '../../cluster/cluster.ts';
import { restartAddons } from '../../addons/start-addons.ts';
import { proveAddons } from '../kubeadm-full/prove-addons.ts';
import type { ClusterScenario } from '../scenario.ts';
import { expireCa } from './expire-ca.ts';
import { proveCaExpired } from './prove-death.ts';
import { proveCaRenewed } from './prove-life.ts';

const WHAT: Readonly<Record<KubeadmCaName, string>> = {
  ca: 'the cluster CA expires, with the certificates that end with it',
  'etcd/ca': 'the etcd CA expires; its leaf certificates do not',
  'front-proxy-ca': 'the front proxy CA expires; its leaf certificates do not',
};

/** Ten years after the installation a CA of the cluster expires; its key is still on the node. */
export function caExpired(ca: KubeadmCaName): ClusterScenario {
  return {
    what: WHAT[ca],
    createCluster,
    breakCluster: (cluster, deps) => expireCa(cluster, ca, deps),
    proveDeath: (cluster, deps) => proveCaExpired(cluster, ca, deps),
    proveLife: (cluster, input, deps) => proveCaRenewed(cluster, ca, input, deps),
  };
}

/**
 * The cluster CA expires on a cluster with addons: also inline, where the API server authenticates, authorizes and audits by webhooks.
 * The addons started with the expired CA and read no other; a recovery names such pods, and leaves their restart to a person.
 */
export const caExpiredFull: ClusterScenario = {
  ...caExpired('ca'),
  needsAddons: true,
  proveHealth: proveAddons,
  proveLife: async (cluster, input, deps) => {
    await restartAddons(cluster, deps);
    const renewed = await proveCaRenewed(cluster, 'ca', input, deps);
    return [...renewed, ...(await proveAddons(cluster, deps))];
  },
};
