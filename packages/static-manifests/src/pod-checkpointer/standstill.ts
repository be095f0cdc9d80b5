import { securePortOf } from './api-ownership.ts';
import type { Checkpoint, Checkpoints } from './checkpoint.ts';
import { findPodProcesses, type PodProcessHost, toCheckpointedPod } from './pod-processes.ts';
import { findListener } from './port-owner.ts';
import type { ListenerHost } from '../running/tcp-listeners.ts';

/** The checkpointed API server of a node, if any. */
export function findApiServerCheckpoint({ checkpoints }: Pick<Checkpoints, 'checkpoints'>): Checkpoint | undefined {
  const isApiServer = ({ component, pod }: Checkpoint): boolean =>
    component === 'kube-apiserver' || pod.main.program === 'kube-apiserver';
  return checkpoints.find(isApiServer);
}

/**
 * Whether the API server is stuck permanently: its checkpoint is inactive, no container of it runs, but the parent's
 * sandbox runs. The checkpointer mistakes that sandbox for a running parent and never acts again; a restarted kubelet
 * cannot remove it without the API server. A process of the checkpoint that no longer listens only sits out its grace period.
 *
 * A single observation: a parent between two crashes gives the same result.
 * @returns the standstill, or `undefined`
 */
export async function findStandstill(
  checkpoints: Pick<Checkpoints, 'checkpoints'>,
  { host }: { readonly host: PodProcessHost & ListenerHost },
): Promise<string | undefined> {
  const checkpoint = findApiServerCheckpoint(checkpoints);
  if (checkpoint === undefined || checkpoint.active !== undefined) return undefined;
  const { parent, parentSandbox, checkpoint: copy } = await findPodProcesses(toCheckpointedPod(checkpoint), { host });
  const [sandbox] = parentSandbox;
  if (sandbox === undefined || parent.length > 0) return undefined;
  if (copy.length > 0 && (await findListener(securePortOf(checkpoint), copy, host)) !== undefined) return undefined;
  const name = `${checkpoint.namespace}/${checkpoint.name}`;
  return `no API server runs, and the checkpointer is blocked by the sandbox of ${name} (process ${sandbox.pid}), which has no container`;
}
