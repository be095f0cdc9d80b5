import type { LabDeps } from '../../machine/lab-deps.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { runningContainers } from '../../machine/containerd.ts';
import type { EquippedNode } from '../../cluster/node-command.ts';

/** The running containers of one pod. */
export interface PodContainers {
  /** The sandbox runs (READY in the CRI). */
  readonly sandbox: boolean;
  /** The number of running containers besides the sandbox. */
  readonly running: number;
}

/** Reads the running containers of a pod from containerd. */
export async function observePod(at: EquippedNode, pod: string, deps: LabDeps): Promise<PodContainers> {
  const running = new Set(await runningContainers(at.node, deps));
  const count = async (kind: string): Promise<number> => {
    const filter = `labels."io.kubernetes.pod.name"==${pod},labels."io.cri-containerd.kind"==${kind}`;
    const argv = ['ctr', '--namespace=k8s.io', 'containers', 'list', '--quiet', filter] as const;
    const ids = (await runOnNode(at, argv, deps)).stdout.split('\n');
    return ids.filter((id) => running.has(id)).length;
  };
  return { sandbox: (await count('sandbox')) > 0, running: await count('container') };
}
