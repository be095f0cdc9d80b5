import { createSelfHostedCluster, type SelfHostedCluster } from '../../self-hosted/cluster.ts';
import type { Encryption } from '../../self-hosted/objects/api-server.ts';
import type { ClusterScenario } from '../scenario.ts';
import { breakSaturday } from './break-cluster.ts';
import { proveSaturdayDeath } from './prove-death.ts';
import { proveSaturdayLife } from './prove-life.ts';
import { proveTrap } from './prove-trap.ts';
import { ROTATION_SET } from './rotation-set.ts';

/** How the incident begins. */
export interface SaturdayBeginning {
  readonly encryption: Encryption;
  /**
   * Whether the control-plane node did not restart: scheduler, kube-controller-manager, DNS and network still run, with the expired
   * CA in memory. Otherwise it has restarted, and they are gone.
   */
  readonly podsRunning: boolean;
}

/** The Saturday incident: everything has expired on a self-hosted cluster. */
export function saturday({ encryption, podsRunning }: SaturdayBeginning): ClusterScenario<SelfHostedCluster> {
  return {
    what: 'everything has expired, and the self-hosted control plane cannot restart by itself',
    createCluster: ({ binaries, ownerPid }, deps) => createSelfHostedCluster({ binaries, ownerPid, encryption }, deps),
    breakCluster: (cluster, deps) => breakSaturday(cluster, { podsRunning }, deps),
    proveDeath: (cluster, deps) => proveSaturdayDeath(cluster, { podsRunning }, deps),
    // It begins with the restart of every container.
    ...(podsRunning ? {} : { proveTrap }),
    proveLife: proveSaturdayLife,
    recoverFlags: ['--certs', ROTATION_SET],
  };
}
