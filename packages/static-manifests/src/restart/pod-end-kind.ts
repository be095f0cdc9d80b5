import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { isInPod, parsePodCgroup } from '@kube-rescue/node-config';
import type { Change, ChangeKind } from '@kube-rescue/workflow';
import { type ListenerHost, listListeners, listOpenFiles } from '../running/tcp-listeners.ts';

/** Kills the processes of an old static pod that listen no more, or did not serve before. */
export interface PodEnd extends Change {
  readonly kind: 'static-pod.end';
  /** The component. */
  readonly target: string;
  readonly processes: readonly PodProcess[];
  /** It did not serve before, so that it is killed although it listens. */
  readonly mayListen: boolean;
}

type PodProcess = { readonly pid: number; readonly startTicks: number; readonly podUid: string };

const KILL_TIMEOUT_MS = 5_000;

/**
 * `static-pod.end`: SIGKILL for the processes of a pod whose manifest has changed. Checked once more right before: each is the same
 * process (pid, start time and pod), and none of them listens,
 * unless the pod did not serve anyway. Otherwise they are left alone, and so are processes that have ended.
 *
 * Without an undo: the kubelet starts the pod of the restored manifest.
 */
export function createPodEndKind({
  host,
}: {
  readonly host: ListenerHost & Pick<Host, 'processes' | 'exec'>;
}): ChangeKind<PodEnd> {
  return {
    kind: 'static-pod.end',
    undoOrder: 'reverse',
    describe: ({ target, processes, mayListen }) =>
      `kill the old ${target}, which ${mayListen ? 'does not serve' : 'listens no more'} (process ${processes.map(({ pid }) => pid).join(', ')})`,
    preflight: async () => undefined,
    // A process that has ended or listens is left alone.
    staleness: async () => undefined,
    capture: async () => ({}),
    apply: async (change) => {
      const alive = await findSameProcesses(change.processes, host);
      if (alive.length === 0 || (!change.mayListen && (await isListening(alive, host)))) return;
      try {
        await host.exec(['kill', '-KILL', ...alive.map(String)], { timeoutMs: KILL_TIMEOUT_MS });
      } catch (error) {
        // Whether the pod has been replaced is observed afterwards.
        if (!isRecoveryError(error)) throw error;
      }
    },
    undo: async () => ({ state: 'already' }),
  };
}

async function findSameProcesses(
  recorded: readonly PodProcess[],
  host: Pick<Host, 'processes'>,
): Promise<readonly number[]> {
  const processes = await host.processes({ cgroup: isInPod });
  const isSame = ({ pid, startTicks, podUid }: PodProcess): boolean =>
    processes.some(
      (each) =>
        each.pid === pid &&
        each.startTicks === startTicks &&
        each.hasOtherNetwork !== true &&
        parsePodCgroup(each.cgroup)?.podUid === podUid,
    );
  return recorded.filter(isSame).map(({ pid }) => pid);
}

/** Also when /proc does not show it. */
async function isListening(pids: readonly number[], host: ListenerHost): Promise<boolean> {
  const listeners = await listListeners({ host });
  if (listeners === undefined) return true;
  for (const pid of pids) {
    const files = await listOpenFiles(pid, { host });
    if (listeners.some(({ link }) => files.has(link))) return true;
  }
  return false;
}
