import type { Cluster } from '../../cluster/cluster.ts';
import { etcdctl } from '../../cluster/etcd-client.ts';
import type { ClusterMachine } from '../../cluster/lab-cluster.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { powerOff } from '../../machine/power.ts';
import { waitFor } from '../../machine/waiting.ts';

/** The last object that is created while etcd has its majority. */
export const LAST = 'last-before-the-loss';

const DEADLINE_MS = 60_000;

/** The control planes that are gone for good: all but the one that is left. */
export function lostMembers({ node, controlPlanes }: Cluster): readonly ClusterMachine[] {
  return controlPlanes.filter((machine) => machine.node.name !== node.name);
}

/** Powers all control planes but one off, right after a write. Returns once etcd has noticed. */
export async function loseQuorum(cluster: Cluster, deps: LabDeps): Promise<void> {
  await runOnNode(cluster, ['kubectl', 'create', 'configmap', LAST], deps);
  await Promise.all(lostMembers(cluster).map(({ node }) => powerOff(node, deps)));
  await waitFor(deps, {
    subject: 'etcd',
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const health = await etcdctl(cluster, ['endpoint', 'health'], deps);
      return health.exitCode === 0 ? { waitingFor: 'etcd to lose its leader' } : { value: undefined };
    },
  });
}
