import type { Cluster } from '../cluster/cluster.ts';
import { killContainers } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { startService, stopService } from '../machine/services.ts';

/** Simulates a restart of every machine: kills every container and starts the kubelets again. */
export async function restartMachines(
  { nodes }: Pick<Cluster, 'nodes'>,
  deps: LabDeps,
  report: (message: string) => void,
): Promise<void> {
  report('stopping the kubelet and killing every container');
  for (const { node } of nodes) {
    await stopService(node, 'kubelet', deps);
    await killContainers(node, deps);
  }
  report('starting the kubelet again');
  for (const { node } of nodes) await startService(node, 'kubelet', deps);
}
