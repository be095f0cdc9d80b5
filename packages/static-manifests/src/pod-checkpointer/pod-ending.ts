import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, ProcessInfo } from '@kube-rescue/host';
import { ManifestError } from '../errors.ts';
import { type CheckpointedPod, findPodProcesses } from './pod-processes.ts';

/** The parts of the host that end pods, by processes and signals alone. */
export type PodEndingHost = Pick<Host, 'processes' | 'list' | 'exec'>;

const GRACE_MS = 2_000;
const DEADLINE_MS = 20_000;
const INTERVAL_MS = 100;
const KILL_TIMEOUT_MS = 5_000;

/**
 * Ends containers and sandboxes of checkpointed pods and of their parents, while the kubelet is stopped and cannot restart
 * them: TERM first, KILL after 2 s. A remaining sandbox would count as a running parent.
 *
 * @throws ManifestError `PODS_STILL_RUNNING` when a process remains after 20 s
 */
export async function endCheckpointedPods(
  pods: readonly CheckpointedPod[],
  { host, clock }: { readonly host: PodEndingHost; readonly clock: Clock },
): Promise<void> {
  const start = clock.now().getTime();
  let isAsked = false;
  let trouble = '';
  for (;;) {
    const found = await Promise.all(pods.map((pod) => findPodProcesses(pod, { host })));
    const containers = found.flatMap(({ parent, checkpoint }) => [...parent, ...checkpoint]);
    const sandboxes = found.flatMap(({ parentSandbox, checkpointSandbox }) => [...parentSandbox, ...checkpointSandbox]);
    if (containers.length === 0 && sandboxes.length === 0) return;
    const elapsed = clock.now().getTime() - start;
    if (elapsed >= DEADLINE_MS) throw stillRunning([...containers, ...sandboxes], trouble);
    // A sandbox that ends first takes the network from its containers.
    if (containers.length === 0) trouble = await signal('KILL', sandboxes, host);
    else if (elapsed >= GRACE_MS) trouble = await signal('KILL', containers, host);
    else if (!isAsked) trouble = await signal('TERM', containers, host);
    isAsked = true;
    await clock.sleep(INTERVAL_MS);
  }
}

/** Asks the containers of a checkpoint to end; does not wait, and touches neither its sandbox nor its parent. */
export async function endCheckpoint(pod: CheckpointedPod, { host }: { readonly host: PodEndingHost }): Promise<void> {
  const { checkpoint } = await findPodProcesses(pod, { host });
  if (checkpoint.length > 0) await signal('TERM', checkpoint, host);
}

/** Returns why the signal could not be sent, or nothing. */
async function signal(name: 'TERM' | 'KILL', processes: readonly ProcessInfo[], host: PodEndingHost): Promise<string> {
  try {
    await host.exec(['kill', `-${name}`, ...processes.map(({ pid }) => String(pid))], { timeoutMs: KILL_TIMEOUT_MS });
    return '';
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return `: ${describeError(error)}`;
  }
}

function stillRunning(processes: readonly ProcessInfo[], trouble: string): ManifestError {
  return new ManifestError({
    code: 'PODS_STILL_RUNNING',
    message: `checkpointed pods did not terminate${trouble}`,
    subject: `process ${processes.map(({ pid }) => pid).join(', ')}`,
    hint: 'end these processes by hand, then resume',
  });
}
