import type { Host, ProcessInfo } from '@kube-rescue/host';
import { type ContainerProcess, isInPod, parsePodCgroup, programName, type StaticPod } from '@kube-rescue/node-config';

import { listPodLogDirectories } from './pod-logs.ts';

/** The main process of a pod's component, found in /proc. */
export interface RunningPod extends ContainerProcess {
  readonly pid: number;
  /** Clock ticks since boot; identifies a process together with the pid. */
  readonly startTicks: number;
}

export type ObservingHost = Pick<Host, 'processes' | 'list'>;

/** The program of most sandboxes. */
const PAUSE = 'pause';

/**
 * Lists the running pods of a manifest without kubelet, runtime and API server: by the program and
 * the cgroup of every process. Newest first; more than one while a pod is being replaced.
 *
 * A process belongs to the manifest when the UID of its pod has a log directory with the manifest's name. Where the kubelet
 * keeps no such directories, the program alone decides. Does not check health.
 */
export async function listRunningPods(
  pod: StaticPod,
  { host }: { readonly host: ObservingHost },
): Promise<readonly RunningPod[]> {
  const [processes, directories] = await Promise.all([listProcesses(pod, host), listPodLogDirectories(pod, { host })]);
  const ownUids = directories === undefined ? undefined : new Set(directories.map(({ podUid }) => podUid));
  const program = pod.main.program;
  const found = new Map<string, RunningPod>();
  for (const process of processes.toSorted((a, b) => a.startTicks - b.startTicks)) {
    const container = parsePodCgroup(process.cgroup);
    if (container === undefined || !runs(process, program)) continue;
    if (ownUids === undefined ? program === undefined : !ownUids.has(container.podUid)) continue;
    // A component may start processes of the same program; the first one represents the container.
    if (found.has(container.containerId)) continue;
    found.set(container.containerId, { ...container, pid: process.pid, startTicks: process.startTicks });
  }
  return [...found.values()].toReversed();
}

/** The newest of {@link listRunningPods}. */
export async function findRunningPod(
  pod: StaticPod,
  deps: { readonly host: ObservingHost },
): Promise<RunningPod | undefined> {
  return (await listRunningPods(pod, deps))[0];
}

/** Whether two observations are of one process. */
export function isSameProcess(
  a: Pick<RunningPod, 'pid' | 'startTicks'>,
  b: Pick<RunningPod, 'pid' | 'startTicks'>,
): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}

/**
 * The processes of pods that may belong to the containers of this one. Nodes that share a machine may run the same manifest, and then
 * their pods have the same UID; the network namespace tells host-network pods apart.
 */
export async function listProcesses(
  { hostNetwork }: Pick<StaticPod, 'hostNetwork'>,
  host: Pick<Host, 'processes'>,
): Promise<readonly ProcessInfo[]> {
  const all = await host.processes({ cgroup: isInPod });
  return hostNetwork ? all.filter(({ hasOtherNetwork }) => hasOtherNetwork !== true) : all;
}

/** The processes of these pods of a manifest, without those of their sandboxes. */
export function withoutSandbox(
  podUids: readonly string[],
  processes: readonly ProcessInfo[],
  { main }: Pick<StaticPod, 'main'>,
): readonly ProcessInfo[] {
  const names = [main.program, programName(main.command[0] ?? '')];
  const programs = names.filter((name) => name !== undefined).filter((name) => name !== '');
  return podUids.flatMap((uid) => {
    const own = processes.filter(({ argv, cgroup }) => argv.length > 0 && parsePodCgroup(cgroup)?.podUid === uid);
    const sandbox = findSandbox(own, programs);
    return own.filter(({ cgroup }) => parsePodCgroup(cgroup)?.containerId !== sandbox);
  });
}

/** The container id of a pod's sandbox: the one with `pause`, else the oldest, unless it runs the pod's own program. */
export function findSandbox(processes: readonly ProcessInfo[], programs: readonly string[]): string | undefined {
  const inOrder = processes.toSorted((a, b) => a.startTicks - b.startTicks);
  const pause = inOrder.find(({ argv }) => programName(argv[0] ?? '') === PAUSE);
  const [first] = inOrder;
  const sandbox = pause ?? (first !== undefined && !runsOneOf(first, programs) ? first : undefined);
  return sandbox && parsePodCgroup(sandbox.cgroup)?.containerId;
}

/** Whether a process runs one of these programs, also through an interpreter or a wrapper. */
export function runsOneOf({ argv }: ProcessInfo, programs: readonly string[]): boolean {
  return argv.slice(0, 2).some((word) => programs.includes(programName(word)));
}

function runs({ argv }: ProcessInfo, program: string | undefined): boolean {
  const [name = '', first = ''] = argv.map(programName);
  if (program === undefined) return name !== '' && name !== PAUSE;
  return name === program || (name === 'hyperkube' && (first === program || `kube-${first}` === program));
}
