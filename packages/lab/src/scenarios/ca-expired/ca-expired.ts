import { type LabCaName } from './lab-ca-name.ts';
import { createCluster } from '../../cluster/cluster.ts';
import type { ClusterScenario } from '../scenario.ts';
import { expireCa } from './expire-ca.ts';
import { proveCaExpired } from './prove-death.ts';
import { proveCaRenewed } from './prove-life.ts';
const WHAT: Readonly<Record<LabCaName, string>> = {
  ca: 'the cluster CA expires, and with it what was signed to end with it',
  'etcd/ca': "etcd's CA expires; what it signed does not",
  'front-proxy-ca': 'the front proxy CA expires; what it signed does not',
};

/** Ten years after a cluster was made one of its CAs expires, with its key still on the node. */
export function caExpired(ca: LabCaName): ClusterScenario {
  return {
    what: WHAT[ca],
    createCluster,
    breakCluster: (cluster, deps) => expireCa(cluster, ca, deps),
    proveDeath: (cluster, deps) => proveCaExpired(cluster, ca, deps),
    proveLife: (cluster, input, deps) => proveCaRenewed(cluster, ca, input, deps),
  };
}
