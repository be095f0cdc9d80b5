import type { LabDeps } from '../../cluster/deps.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { runningContainers } from '../../machine/containerd.ts';
import type { EquippedNode } from '../../cluster/node-command.ts';

/** What containerd runs of one pod. */
export interface PodContainers {
  /** The sandbox runs, which is what CRI calls READY. */
  readonly sandbox: boolean;
  /** How many containers beside it run. */
  readonly running: number;
}

/** Asks containerd for the pod of that name. */
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
