import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, ProcessInfo } from '@kube-rescue/host';
import { parsePodCgroup, programName, type StaticPod } from '@kube-rescue/node-config';
import { listProcesses, PAUSE, listRunningPods } from '../running/running-pod.ts';

export type OldPodsHost = Pick<Host, 'processes' | 'list' | 'exec'>;

/** A static pod with the UIDs of its running pods. */
export interface RunningPods {
  readonly pod: StaticPod;
  readonly uids: readonly string[];
}

const GRACE_MS = 3_000;
const DEADLINE_MS = 6_000;
const INTERVAL_MS = 100;
const KILL_TIMEOUT_MS = 5_000;

/** Finds the running pods of these manifests. */
export async function findRunningPods(
  pods: readonly StaticPod[],
  deps: { readonly host: Pick<Host, 'processes' | 'list'> },
): Promise<readonly RunningPods[]> {
  return Promise.all(
    pods.map(async (pod) => ({ pod, uids: (await listRunningPods(pod, deps)).map(({ podUid }) => podUid) })),
  );
}

/** Sends a signal to every process of these pods except the sandbox; returns whether there was any. */
export async function signalPods(
  running: readonly RunningPods[],
  signal: 'TERM' | 'KILL',
  { host }: { readonly host: OldPodsHost },
): Promise<boolean> {
  const processes = (await Promise.all(running.map((each) => processesOf(each, host)))).flat();
  if (processes.length === 0) return false;
  try {
    const pids = processes.map(({ pid }) => String(pid));
    await host.exec(['kill', `-${signal}`, ...pids], { timeoutMs: KILL_TIMEOUT_MS });
  } catch (error) {
    // The caller, which waits for the pods to end, reports the failure.
    if (!isRecoveryError(error)) throw error;
  }
  return true;
}

/**
 * Ends pods that the kubelet does not end: without the API server since its start it removes no pod, and
 * a restarted kubelet does not know the pods of earlier manifests. Kills them after 3 s.
 *
 * Only host-network pods: the others may belong to another node on the same machine.
 */
export async function endPods(
  running: readonly RunningPods[],
  { host, clock }: { readonly host: OldPodsHost; readonly clock: Clock },
): Promise<void> {
  const start = clock.now().getTime();
  let isKilled = false;
  for (;;) {
    const elapsed = clock.now().getTime() - start;
    const isLate = elapsed >= GRACE_MS;
    const isAlive =
      isLate && !isKilled
        ? await signalPods(running, 'KILL', { host })
        : (await Promise.all(running.map((each) => processesOf(each, host)))).some(({ length }) => length > 0);
    isKilled ||= isLate;
    if (!isAlive || elapsed >= DEADLINE_MS) return;
    await clock.sleep(INTERVAL_MS);
  }
}

async function processesOf({ pod, uids }: RunningPods, host: OldPodsHost): Promise<readonly ProcessInfo[]> {
  if (!pod.hostNetwork) return [];
  return (await listProcesses(pod, host)).filter(
    ({ argv, cgroup }) =>
      programName(argv[0] ?? '') !== PAUSE && uids.includes(parsePodCgroup(cgroup)?.podUid ?? 'none'),
  );
}
