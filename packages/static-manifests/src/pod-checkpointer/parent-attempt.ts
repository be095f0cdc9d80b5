import { type Clock, type Host, joinPath, POD_LOGS } from '@kube-rescue/host';
import type { Checkpoint } from './checkpoint.ts';
import { findPodProcesses, toCheckpointedPod } from './pod-processes.ts';

export type AttemptHost = Pick<Host, 'processes' | 'list'>;

/** A kubelet without an API server needs 12 s for its start, and the API server 4 s; then it must have read pods and Services. */
const TIMEOUT_MS = 60_000;
/** An API server takes its port within half a second. */
const INTERVAL_MS = 100;
/** All processes of a machine are read more seldom. */
const LOGS_PER_PROCESSES = 10;

/**
 * Remembers which containers of a parent there have been; the result waits for the next one.
 *
 * A kubelet creates the container of a pod only after it has read the Services of the cluster (`pkg/kubelet/kubelet_pods.go`
 * getServiceEnvVarMap: "services have not yet been read at least once"), but its sandbox before. A checkpointer that sees the sandbox
 * stops the checkpoint; the kubelet then never reads the Services, because no API server is left. Once it has tried the container, the
 * hand-over cannot stick: a container that finds its port in use is tried again after 10 to 15 s, and one whose port is freed in the first
 * moments serves at once.
 */
export async function watchForParent(
  checkpoint: Checkpoint,
  { host, clock }: { readonly host: AttemptHost; readonly clock: Clock },
): Promise<(signal: AbortSignal) => Promise<boolean>> {
  const before = new Set(await listContainerLogs(checkpoint, host));
  const pod = toCheckpointedPod(checkpoint);
  const hasLog = async (): Promise<boolean> =>
    (await listContainerLogs(checkpoint, host)).some((log) => !before.has(log));
  // A kubelet that has lost the count of restarts writes into the file of an earlier container.
  const isRunning = async (): Promise<boolean> => (await findPodProcesses(pod, { host })).parent.length > 0;
  /** Returns whether it was tried; not, when 60 s were not enough. */
  return async (signal) => {
    const start = clock.now().getTime();
    for (let look = 0; clock.now().getTime() - start < TIMEOUT_MS; look += 1) {
      if (await hasLog()) return true;
      if (look % LOGS_PER_PROCESSES === 0 && (await isRunning())) return true;
      await clock.sleep(INTERVAL_MS, signal);
    }
    return false;
  };
}

/** The log files of a parent's containers; each attempt has its own (`pkg/kubelet/kuberuntime/helpers.go` buildContainerLogsPath). */
async function listContainerLogs({ namespace, name }: Checkpoint, host: AttemptHost): Promise<readonly string[]> {
  const pods = ((await host.list(POD_LOGS)) ?? []).filter((entry) => entry.startsWith(`${namespace}_${name}_`));
  const below = async (directories: readonly string[]): Promise<readonly string[]> => {
    const lists = directories.map(async (directory) =>
      ((await host.list(joinPath(POD_LOGS, directory))) ?? []).map((entry) => `${directory}/${entry}`),
    );
    return (await Promise.all(lists)).flat();
  };
  return below(await below(pods));
}
