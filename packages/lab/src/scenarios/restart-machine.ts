import type { Cluster } from '../cluster/cluster.ts';
import { killContainers } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { startService, stopService } from '../machine/services.ts';

/** Simulates a restart of the machine: kills every container and starts the kubelet again. */
export async function restartMachine(
  { node }: Cluster,
  deps: LabDeps,
  report: (message: string) => void,
): Promise<void> {
  report('stopping the kubelet and killing every container');
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
  report('starting the kubelet again');
  await startService(node, 'kubelet', deps);
}
