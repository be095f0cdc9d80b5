import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, ProcessInfo } from '@kube-rescue/host';
import { programName, type StaticPod } from '@kube-rescue/node-config';
import { parsePodCgroup } from '../running/pod-cgroup.ts';
import { listProcesses, PAUSE, listRunningPods } from '../running/running-pod.ts';

export type OldPodsHost = Pick<Host, 'processes' | 'list' | 'exec'>;

/** A static pod with the UIDs of those of its pods that run. */
export interface RunningPods {
  readonly pod: StaticPod;
  readonly uids: readonly string[];
}

const GRACE_MS = 3_000;
const DEADLINE_MS = 6_000;
const INTERVAL_MS = 100;
const KILL_TIMEOUT_MS = 5_000;

/** Which pods of these manifests run now. */
export async function findRunningPods(
  pods: readonly StaticPod[],
  deps: { readonly host: Pick<Host, 'processes' | 'list'> },
): Promise<readonly RunningPods[]> {
  return Promise.all(
    pods.map(async (pod) => ({ pod, uids: (await listRunningPods(pod, deps)).map(({ podUid }) => podUid) })),
  );
}

/** Sends a signal to every process of these pods but that of the sandbox; tells whether there was any. */
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
    // Whoever waits for the pods to end says that they did not.
    if (!isRecoveryError(error)) throw error;
  }
  return true;
}

/**
 * Ends pods that nobody else will end: a kubelet that has not reached the API server since it started removes no pod, and
 * one that was restarted does not know those of the manifests before. Gives them 3 s, then ends them by force.
 *
 * Only pods on the node's own network, because others cannot be told from those of another node on the same machine.
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
