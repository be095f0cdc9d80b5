import type { Host, ProcessInfo } from '@kube-rescue/host';
import { programName, type StaticPod } from '@kube-rescue/node-config';
import { type ContainerProcess, parsePodCgroup } from './pod-cgroup.ts';
import { listPodLogDirectories } from './pod-logs.ts';

/** The main process of a pod's component, seen in /proc. */
export interface RunningPod extends ContainerProcess {
  readonly pid: number;
  /** Clock ticks since boot; with the pid it names one process for good. */
  readonly startTicks: number;
}

export type ObservingHost = Pick<Host, 'processes' | 'list'>;

/** The sandbox's own process, in the same pod but not of it. */
export const PAUSE = 'pause';

/**
 * Looks for the running pods of a manifest without asking the kubelet, the runtime or the API server: by the program and
 * the cgroup of every process. Newest first; more than one while a pod is being replaced.
 *
 * A process is taken for the manifest's where its pod's UID has a log folder under the manifest's name. Where the kubelet
 * keeps no such folders, the program alone decides. Nothing is said about health.
 */
export async function listRunningPods(
  pod: StaticPod,
  { host }: { readonly host: ObservingHost },
): Promise<readonly RunningPod[]> {
  const [processes, folders] = await Promise.all([listProcesses(pod, host), listPodLogDirectories(pod, { host })]);
  const ownUids = folders === undefined ? undefined : new Set(folders.map(({ podUid }) => podUid));
  const program = pod.main.program;
  const sightings = new Map<string, RunningPod>();
  for (const process of processes.toSorted((a, b) => a.startTicks - b.startTicks)) {
    const container = parsePodCgroup(process.cgroup);
    if (container === undefined || !runs(process, program)) continue;
    if (ownUids === undefined ? program === undefined : !ownUids.has(container.podUid)) continue;
    // A component may start others of its kind; its container is named by the one that was there first.
    if (sightings.has(container.containerId)) continue;
    sightings.set(container.containerId, { ...container, pid: process.pid, startTicks: process.startTicks });
  }
  return [...sightings.values()].toReversed();
}

/** The newest of {@link listRunningPods}. */
export async function findRunningPod(
  pod: StaticPod,
  deps: { readonly host: ObservingHost },
): Promise<RunningPod | undefined> {
  return (await listRunningPods(pod, deps))[0];
}

/**
 * The processes that may be of a pod's containers. Nodes that share a machine may run the very same manifest, and then
 * their pods have the same UID; a pod on its node's network is told from theirs by that.
 */
export async function listProcesses(
  { hostNetwork }: Pick<StaticPod, 'hostNetwork'>,
  host: Pick<Host, 'processes'>,
): Promise<readonly ProcessInfo[]> {
  const all = await host.processes();
  return hostNetwork ? all.filter(({ hasOtherNetwork }) => hasOtherNetwork !== true) : all;
}

/** Whether any process but the sandbox's is left in one of these pods. */
export function isPodAlive(podUids: readonly string[], processes: readonly ProcessInfo[]): boolean {
  return processes.some(
    ({ argv, cgroup }) =>
      programName(argv[0] ?? '') !== PAUSE && podUids.includes(parsePodCgroup(cgroup)?.podUid ?? 'none'),
  );
}

function runs({ argv }: ProcessInfo, program: string | undefined): boolean {
  const [name = '', first = ''] = argv.map(programName);
  if (program === undefined) return name !== '' && name !== PAUSE;
  return name === program || (name === 'hyperkube' && (first === program || `kube-${first}` === program));
}
