import type { Cluster } from '../cluster/cluster.ts';
import { killContainers } from '../machine/containerd.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { startService, stopService } from '../machine/services.ts';

/** What a restart of the machine does to a node: every container dies at once, and the kubelet starts again. */
export async function restartMachine({ node }: Cluster, deps: LabDeps, tell: (message: string) => void): Promise<void> {
  tell('stopping the kubelet and killing every container');
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
  tell('starting the kubelet again');
  await startService(node, 'kubelet', deps);
}
