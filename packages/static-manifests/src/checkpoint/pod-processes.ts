import { type Host, POD_LOGS, type ProcessInfo } from '@kube-rescue/host';
import { programName } from '../component.ts';
import { parsePodCgroup } from '../pod-cgroup.ts';
import { PAUSE } from '../pod-sighting.ts';
import type { Checkpoint } from './checkpoint.ts';

export type PodProcessHost = Pick<Host, 'processes' | 'list'>;

/** A parent together with its checkpoint, as far as their processes can be told from others. Plain data. */
export type CheckpointedPod = {
  readonly namespace: string;
  readonly name: string;
  readonly parentUid: string | null;
  readonly hostNetwork: boolean;
  /** The program of its container, for a node that keeps no log folders. */
  readonly program: string | null;
};

/** The processes of a parent and of its checkpoint, apart. */
export interface PodProcesses {
  /** Of the pod that the API server knows, its sandbox not counted. */
  readonly parent: readonly ProcessInfo[];
  /** The parent's sandbox. */
  readonly parentSandbox: readonly ProcessInfo[];
  /** Of the pod that the kubelet runs from the active manifest, its sandbox not counted. */
  readonly checkpoint: readonly ProcessInfo[];
  readonly checkpointSandbox: readonly ProcessInfo[];
}

export function toCheckpointedPod({ namespace, name, parentUid, pod }: Checkpoint): CheckpointedPod {
  const { hostNetwork, main } = pod;
  return { namespace, name, parentUid: parentUid ?? null, hostNetwork, program: main.program ?? null };
}

/**
 * Finds the processes of a checkpointed pod without asking kubelet, runtime or API server: by the UID in their cgroup,
 * which a log folder under the pod's name names as its own.
 *
 * The kubelet calls a checkpoint `POD-NODE`, its parent `POD`, and makes the folder before it starts either.
 */
export async function findPodProcesses(
  pod: CheckpointedPod,
  { host }: { readonly host: PodProcessHost },
): Promise<PodProcesses> {
  const [all, folders] = await Promise.all([host.processes(), host.list(POD_LOGS)]);
  const uidsOf = (prefix: string): readonly string[] =>
    (folders ?? []).filter((name) => name.startsWith(prefix)).map((name) => name.slice(name.lastIndexOf('_') + 1));
  const parents = new Set(uidsOf(`${pod.namespace}_${pod.name}_`));
  if (pod.parentUid !== null) parents.add(pod.parentUid);
  const checkpoints = new Set(uidsOf(`${pod.namespace}_${pod.name}-`));
  const found = { parent: [], parentSandbox: [], checkpoint: [], checkpointSandbox: [] } as Record<
    keyof PodProcesses,
    ProcessInfo[]
  >;
  for (const process of all) {
    const uid = parsePodCgroup(process.cgroup)?.podUid;
    // A process that has ended and was not waited for yet has no words left.
    if (uid === undefined || process.argv.length === 0) continue;
    if (pod.hostNetwork && process.hasOtherNetwork === true) continue;
    const isSandbox = programName(process.argv[0] ?? '') === PAUSE;
    const isGuess = folders === undefined && !isSandbox && runs(process, pod.program);
    if (parents.has(uid) || (isGuess && uid.includes('-'))) found[isSandbox ? 'parentSandbox' : 'parent'].push(process);
    else if (checkpoints.has(uid) || isGuess) found[isSandbox ? 'checkpointSandbox' : 'checkpoint'].push(process);
  }
  return found;
}

function runs({ argv }: ProcessInfo, program: string | null): boolean {
  return program !== null && argv.slice(0, 2).some((word) => programName(word) === program);
}
