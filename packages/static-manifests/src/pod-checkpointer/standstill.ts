import type { Checkpoint, Checkpoints } from './checkpoint.ts';
import { findPodProcesses, type PodProcessHost, toCheckpointedPod } from './pod-processes.ts';

/** The checkpointed API server of a node, if any. */
export function findApiServerCheckpoint({ checkpoints }: Pick<Checkpoints, 'checkpoints'>): Checkpoint | undefined {
  const isApiServer = ({ component, pod }: Checkpoint): boolean =>
    component === 'kube-apiserver' || pod.main.program === 'kube-apiserver';
  return checkpoints.find(isApiServer);
}

/**
 * Whether the API server is stuck permanently: its checkpoint is inactive, no container of it runs, but the parent's
 * sandbox runs. The checkpointer mistakes that sandbox for a running parent and never acts again; a restarted kubelet
 * cannot remove it without the API server.
 *
 * A single observation: a parent between two crashes gives the same result.
 * @returns the standstill, or `undefined`
 */
export async function findStandstill(
  checkpoints: Pick<Checkpoints, 'checkpoints'>,
  deps: { readonly host: PodProcessHost },
): Promise<string | undefined> {
  const checkpoint = findApiServerCheckpoint(checkpoints);
  if (checkpoint === undefined || checkpoint.active !== undefined) return undefined;
  const { parent, parentSandbox, checkpoint: copy } = await findPodProcesses(toCheckpointedPod(checkpoint), deps);
  const [sandbox] = parentSandbox;
  if (sandbox === undefined || parent.length > 0 || copy.length > 0) return undefined;
  const name = `${checkpoint.namespace}/${checkpoint.name}`;
  return `no API server runs, and the checkpointer is blocked by the sandbox of ${name} (process ${sandbox.pid}), which has no container`;
}
