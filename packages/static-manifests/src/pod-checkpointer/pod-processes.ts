import { type Host, POD_LOGS, type ProcessInfo } from '@kube-rescue/host';
import { isInPod, parsePodCgroup, programName } from '@kube-rescue/node-config';

import { findSandbox, runsOneOf } from '../running/running-pod.ts';
import type { Checkpoint } from './checkpoint.ts';

export type PodProcessHost = Pick<Host, 'processes' | 'list'>;

/** A parent with its checkpoint, and what identifies their processes. Plain data. */
export type CheckpointedPod = {
  readonly namespace: string;
  readonly name: string;
  readonly parentUid: string | null;
  readonly hostNetwork: boolean;
  /** Programs of its container: they distinguish it from its sandbox, and identify it without log directories. */
  readonly programs: readonly string[];
};

/** The processes of a parent and of its checkpoint, apart. */
export interface PodProcesses {
  /** Of the pod that the API server knows, without its sandbox. */
  readonly parent: readonly ProcessInfo[];
  /** The parent's sandbox. */
  readonly parentSandbox: readonly ProcessInfo[];
  /** Of the pod that the kubelet runs from the active manifest, without its sandbox. */
  readonly checkpoint: readonly ProcessInfo[];
  readonly checkpointSandbox: readonly ProcessInfo[];
}

export function toCheckpointedPod({ namespace, name, parentUid, pod }: Checkpoint): CheckpointedPod {
  const { hostNetwork, main } = pod;
  const words = [main.program, main.command[0]].filter((word) => word !== undefined && word !== '');
  const programs = [...new Set(words.map((word) => programName(word ?? '')))];
  return { namespace, name, parentUid: parentUid ?? null, hostNetwork, programs };
}

/**
 * Finds the processes of a checkpointed pod without kubelet, runtime or API server: by the UID in their cgroup,
 * which is also in the log directory with the pod's name.
 *
 * The kubelet calls a checkpoint `POD-NODE`, its parent `POD`, and creates the log directory before it starts either.
 */
export async function findPodProcesses(
  pod: CheckpointedPod,
  { host }: { readonly host: PodProcessHost },
): Promise<PodProcesses> {
  const [all, directories] = await Promise.all([host.processes({ cgroup: isInPod }), host.list(POD_LOGS)]);
  const uidsOf = (prefix: string): readonly string[] =>
    (directories ?? []).filter((name) => name.startsWith(prefix)).map((name) => name.slice(name.lastIndexOf('_') + 1));
  const parents = new Set(uidsOf(`${pod.namespace}_${pod.name}_`));
  if (pod.parentUid !== null) parents.add(pod.parentUid);
  const checkpoints = new Set(uidsOf(`${pod.namespace}_${pod.name}-`));
  const found = { parent: [], parentSandbox: [], checkpoint: [], checkpointSandbox: [] } as Record<
    keyof PodProcesses,
    ProcessInfo[]
  >;
  // A zombie process has no command line.
  const own = all.filter(
    ({ argv, hasOtherNetwork }) => argv.length > 0 && !(pod.hostNetwork && hasOtherNetwork === true),
  );
  for (const [uid, processes] of Map.groupBy(own, ({ cgroup }) => parsePodCgroup(cgroup)?.podUid ?? '')) {
    const isGuess = directories === undefined && processes.some((process) => runsOneOf(process, pod.programs));
    const isParent = parents.has(uid) || (isGuess && uid.includes('-'));
    if (!isParent && !checkpoints.has(uid) && !isGuess) continue;
    const sandbox = findSandbox(processes, pod.programs);
    for (const process of processes) {
      const isSandbox = parsePodCgroup(process.cgroup)?.containerId === sandbox;
      if (isParent) found[isSandbox ? 'parentSandbox' : 'parent'].push(process);
      else found[isSandbox ? 'checkpointSandbox' : 'checkpoint'].push(process);
    }
  }
  return found;
}
