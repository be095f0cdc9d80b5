import { createCluster } from '../../cluster/cluster.ts';
import type { ClusterScenario } from '../scenario.ts';
import { expireCas } from './expire-cas.ts';
import { proveCasDown } from './prove-death.ts';
import { proveCasServing } from './prove-life.ts';

/** Ten years after the installation of three control planes: every CA has expired, and every certificate. */
export const haCaExpired: ClusterScenario = {
  what: 'every CA and every certificate of three control planes expire',
  reissuesCas: true,
  createCluster: (input, deps) => createCluster({ ...input, controlPlanes: 3 }, deps),
  breakCluster: expireCas,
  proveDeath: proveCasDown,
  proveLife: proveCasServing,
};
