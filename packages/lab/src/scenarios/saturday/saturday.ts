import { createSelfHostedCluster, type SelfHostedCluster } from '../../self-hosted/cluster.ts';
import type { Encryption } from '../../self-hosted/objects/api-server.ts';
import type { ClusterScenario } from '../scenario.ts';
import { breakSaturday } from './break-cluster.ts';
import { proveSaturdayDeath } from './prove-death.ts';
import { proveSaturdayLife } from './prove-life.ts';
import { proveTrap } from './prove-trap.ts';
import { ROTATION_SET } from './rotation-set.ts';

/** The Saturday incident: everything has expired on a self-hosted cluster that has restarted since. */
export function saturday(encryption: Encryption): ClusterScenario<SelfHostedCluster> {
  return {
    what: 'everything has expired, and the self-hosted control plane cannot restart by itself',
    createCluster: ({ binaries, ownerPid }, deps) => createSelfHostedCluster({ binaries, ownerPid, encryption }, deps),
    breakCluster: breakSaturday,
    proveDeath: proveSaturdayDeath,
    proveTrap,
    proveLife: proveSaturdayLife,
    recoverFlags: ['--certs', ROTATION_SET],
  };
}
