import type { Clock, Host } from '@kube-rescue/host';
import { healthUrl, type StaticPod } from '@kube-rescue/node-config';
import { askHealth, type Health } from './component-health.ts';
import { findSocketOwner, type Ownership } from './listening-socket.ts';
import { type RunningPod, findRunningPod, isSameProcess } from './running-pod.ts';

export interface WaitForStableInput {
  readonly pod: StaticPod;
  /** How long it must be healthy without interruption. */
  readonly windowMs: number;
  /** Between two probes. */
  readonly intervalMs: number;
  /** The total time to wait. */
  readonly timeoutMs: number;
  /** Expected serial number of the served certificate, hexadecimal; colons and leading zeros are ignored. */
  readonly expectedSerial?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((waitingFor: string) => void) | undefined;
}

type StabilityHost = Pick<Host, 'processes' | 'list' | 'request' | 'readFile' | 'readLink'>;

export type Stability =
  | {
      readonly state: 'stable';
      readonly pod: RunningPod;
      readonly answers: number;
      readonly evidence: readonly string[];
    }
  | { readonly state: 'unstable'; readonly reason: string; readonly evidence: readonly string[] };

/**
 * Waits until a component is healthy for a whole window: the same process, every answer good, every answer served with
 * the expected certificate. Any failure restarts the window.
 *
 * One good answer proves little: a recreated pod answers for seconds before it fails on its old files.
 */
export async function waitForStableComponent(
  input: WaitForStableInput,
  { host, clock }: { readonly host: StabilityHost; readonly clock: Clock },
): Promise<Stability> {
  const { pod, signal } = input;
  const start = clock.now().getTime();
  let streak: { readonly since: number; readonly pod: RunningPod; answers: number } | undefined;
  let trouble = 'no probe was made yet';
  let breaks = 0;
  input.onProgress?.(`${pod.component} to be healthy for ${input.windowMs / 1000} s without interruption`);
  for (;;) {
    signal?.throwIfAborted();
    // The process is read before and after the probe, so that the answer belongs to it.
    const before = await findRunningPod(pod, { host });
    const health = before === undefined ? undefined : await askHealth({ pod, signal }, { host });
    const after = await findRunningPod(pod, { host });
    const now = clock.now().getTime();
    const owner = after === undefined ? 'unknown' : await findOwner(pod, after, host);
    const problem =
      owner === 'foreign'
        ? `another process than ${after?.pid} listens on the port of ${pod.component}`
        : findProblem(before, after, health, input.expectedSerial);
    if (problem !== undefined || after === undefined) {
      if (streak !== undefined) breaks += 1;
      streak = undefined;
      trouble = problem ?? 'no process is running';
    } else if (streak === undefined || !isSameProcess(streak.pod, after)) {
      if (streak !== undefined) {
        breaks += 1;
        trouble = `process ${streak.pod.pid} was replaced by ${after.pid}`;
      }
      streak = { since: now, pod: after, answers: 1 };
    } else {
      streak.answers += 1;
      if (now - streak.since >= input.windowMs) {
        const { answers } = streak;
        const evidence = [
          `process ${after.pid} gave ${answers} good answers in a row in ${now - streak.since} ms`,
          ...(health === undefined ? [] : [health.evidence]),
          owner === 'owned'
            ? `process ${after.pid} listens on the port`
            : `not proven that process ${after.pid} listens on the port: /proc does not show its socket`,
          ...(input.expectedSerial === undefined
            ? []
            : [`every answer was served with certificate ${health?.serialNumber}`]),
        ];
        return { state: 'stable', pod: after, answers, evidence };
      }
    }
    if (now - start >= input.timeoutMs) {
      const reason = `${pod.component} was not healthy for ${input.windowMs} ms without interruption: ${trouble}`;
      return { state: 'unstable', reason, evidence: [`${breaks} interruption(s)`, trouble] };
    }
    await clock.sleep(input.intervalMs, signal);
  }
}

/** Whether the process that was found is the one that answers the probe. */
async function findOwner(pod: StaticPod, { pid }: RunningPod, host: StabilityHost): Promise<Ownership> {
  const url = healthUrl(pod);
  if (url === undefined) return 'unknown';
  const { hostname, port, protocol } = new URL(url);
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  const processes = await host.processes();
  const own = processes.find((each) => each.pid === pid);
  // A component may be started by another program of its container.
  const pids = processes.filter((each) => each.cgroup === own?.cgroup).map((each) => each.pid);
  return findSocketOwner({ address: hostname, port: number, pids }, host);
}

function findProblem(
  before: RunningPod | undefined,
  after: RunningPod | undefined,
  health: Health | undefined,
  expectedSerial: string | undefined,
): string | undefined {
  if (before === undefined || after === undefined || health === undefined) return 'no process is running';
  if (!isSameProcess(before, after)) return `process ${before.pid} was replaced by ${after.pid}`;
  if (health.state === 'unhealthy') return health.evidence;
  if (expectedSerial !== undefined && normalSerial(health.serialNumber ?? '') !== normalSerial(expectedSerial)) {
    return `it serves certificate ${health.serialNumber ?? '(none)'}, not ${expectedSerial}`;
  }
  return undefined;
}

function normalSerial(serial: string): string {
  return serial.replaceAll(':', '').replace(/^0+/, '').toUpperCase();
}
