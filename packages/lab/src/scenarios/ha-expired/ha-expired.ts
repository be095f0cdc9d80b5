import { createCluster } from '../../cluster/cluster.ts';
import { expireCertificates } from '../kubeadm-expired/expire-certificates.ts';
import type { ClusterScenario } from '../scenario.ts';
import { proveAllDown } from './prove-death.ts';
import { proveAllServing } from './prove-life.ts';

/** Three control planes whose certificates were made on one day, and expired on one day. */
export const haExpired: ClusterScenario = {
  what: 'every certificate of three control planes expires',
  createCluster: (input, deps) => createCluster({ ...input, controlPlanes: 3 }, deps),
  breakCluster: expireCertificates,
  proveDeath: proveAllDown,
  proveLife: proveAllServing,
};
