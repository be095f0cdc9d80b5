import type { Cluster } from '../../cluster/cluster.ts';
import { etcdctl } from '../../cluster/etcd-client.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';

/** Below the home directory of the operator, which every node has for itself. */
export const SNAPSHOT = '/home/core/etcd.db';
/** ConfigMaps that were created before and after the snapshot. */
export const BEFORE = 'before-snapshot';
export const AFTER = 'after-snapshot';

const DEADLINE_MS = 60_000;

/**
 * Overwrites the first pages of the database, removes the log, and kills the etcd of this node's network: those of other labs and of
 * the machine share the process table.
 */
const DAMAGE = `set -eu
data=/var/lib/etcd/member
own=$(readlink /proc/self/ns/net)
head -c 245760 /dev/urandom | dd of=$data/snap/db conv=notrunc status=none
rm -f $data/wal/*.wal
for pid in $(pgrep -x etcd); do
  [ "$(readlink /proc/$pid/ns/net)" != "$own" ] || kill -KILL "$pid"
done`;

/**
 * Takes a snapshot of etcd with etcd's own program, then damages the data directory as a failing disk does. One object is created
 * before the snapshot, and one after it.
 */
export async function breakData(cluster: Cluster, deps: LabDeps): Promise<void> {
  await runOnNode(cluster, ['kubectl', 'create', 'configmap', BEFORE], deps);
  const { exitCode, stderr } = await etcdctl(cluster, ['snapshot', 'save', SNAPSHOT], deps);
  if (exitCode !== 0) throw new Error(`etcdctl has saved no snapshot: ${stderr}`);
  await runOnNode(cluster, ['kubectl', 'create', 'configmap', AFTER], deps);
  await runOnNode(cluster, ['sh', '-c', DAMAGE], deps);
  await waitFor(deps, {
    subject: 'etcd',
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const health = await etcdctl(cluster, ['endpoint', 'health'], deps);
      return health.exitCode === 0 ? { waitingFor: 'etcd to end' } : { value: undefined };
    },
  });
}
