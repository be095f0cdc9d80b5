import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import { type ApiServerStatus, observeApiServer } from './api-ownership.ts';
import { type CheckpointContents, planContents } from './checkpoint-contents.ts';
import { readCheckpoints } from './checkpoint-reading.ts';
import { createFreezeChangeKinds, planFreeze } from './checkpointer-freeze.ts';
import { findApiServerCheckpoint, findStandstill } from './standstill.ts';

export interface CheckpointStabilityInput {
  /** Default: `checkpoint/stable`. */
  readonly id?: StepId | undefined;
  readonly requires: readonly StepId[];
  /** The static pod directory of the kubelet. */
  readonly directory: HostPath;
  /** Name of the kubelet's service. */
  readonly kubeletService: string;
  /** The wanted contents. Default: the cached copies equal the objects in the cluster. */
  readonly wanted?: ((signal: AbortSignal) => Promise<CheckpointContents>) | undefined;
  /** Serial number in hexadecimal of the certificate that must be served. Default: any. */
  readonly expectedSerial?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined;
  /** Refresh period of the checkpointer's cache. Default: 60 s. */
  readonly refreshPeriodMs?: number | undefined;
  /** How many periods one API server process must last. 0: two good answers suffice. Default: 2. */
  readonly refreshPeriods?: number | undefined;
  /** Whether to restart the kubelet then, and to expect the same process afterwards. Default: true. */
  readonly restartKubelet?: boolean | undefined;
  /** How long the API server must answer after that. Default: 30 s. */
  readonly afterRestartMs?: number | undefined;
  /** Between two probes. Default: 1 s. */
  readonly intervalMs?: number | undefined;
  /** How long the API server of the parent may take to answer, hand-over included. Default: 300 s. */
  readonly timeoutMs?: number | undefined;
}

export interface StabilityDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly objects: ObjectAccess | undefined;
}

interface Resolved extends CheckpointStabilityInput {
  readonly windowMs: number;
  readonly restartKubelet: boolean;
  readonly afterRestartMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * A kubelet tries a pod again 10 to 15 s after a failure (`pkg/kubelet/kubelet.go` backOffPeriod, `pod_workers.go`
 * workerBackOffPeriodJitterFactor), and needs a moment to start a container: a parent that has not come by then does not come.
 */
const STANDSTILL_MS = 18_000;
const MAX_RESTARTS = 3;
/** Slack for a slow loop of the checkpointer. */
const REFRESH_SLACK_MS = 10_000;

/**
 * Proves that a checkpointed API server is permanently back: the parent's own container answers, no checkpoint of it
 * runs or is among the static pods, one process serves the expected certificate through two refresh periods of
 * the checkpointer and one restart of the kubelet, and then every cached file is still as written.
 *
 * A single good answer proves little: a checkpoint that answers hands over to its parent within a minute. After a hand-over
 * before the kubelet can start the parent, the API server is stuck, and the step restarts it, three times at most.
 */
export function createCheckpointStabilityStep(input: CheckpointStabilityInput, deps: StabilityDeps): Step {
  const resolved = resolve(input);
  return {
    id: input.id ?? 'checkpoint/stable',
    title: 'verify that the API server answers from its own pod and stays up',
    requires: input.requires,
    reversible: 'no',
    isProof: true,
    check: async (signal) => {
      const observation = await observe(resolved, deps, signal);
      if (observation.problem === undefined)
        return { status: 'ok', summary: 'the API server is stable', evidence: observation.evidence };
      return { status: 'needed', summary: observation.problem, evidence: observation.evidence };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async (signal, report = () => undefined) => {
      // A run that was interrupted during an API server restart leaves a stopped kubelet.
      if ((await deps.host.services.status(input.kubeletService)) === 'stopped') {
        report(`${input.kubeletService} to be started`);
        await deps.host.services.act('start', input.kubeletService);
      }
      const first = await watch({ ...resolved, forMs: resolved.windowMs }, report, deps, signal);
      if (first.process === undefined) return unstable(first);
      const evidence = [...first.evidence];
      if (resolved.restartKubelet) {
        report(`${input.kubeletService} to be restarted`);
        await deps.host.services.act('restart', input.kubeletService);
        const second = await watch(
          { ...resolved, forMs: resolved.afterRestartMs, timeoutMs: resolved.afterRestartMs },
          report,
          deps,
          signal,
        );
        if (second.process === undefined) return unstable(second);
        if (second.process !== first.process) {
          return { verified: false, reason: 'another API server process answers after the restart of the kubelet' };
        }
        evidence.push(`${input.kubeletService} was restarted, and the same process answers`);
      }
      return judgeContents(resolved, evidence, deps, signal);
    },
  };
}

interface Observation {
  /** Why it is not stable. */
  readonly problem: string | undefined;
  readonly evidence: readonly string[];
  /** The description of a standstill. */
  readonly standstill?: string | undefined;
  /** Identifies one process; `undefined` on a node without a checkpointed API server. */
  readonly process: string | undefined;
}

async function observe(input: Resolved, deps: StabilityDeps, signal: AbortSignal): Promise<Observation> {
  const checkpoints = await readCheckpoints(input, deps);
  const checkpoint = findApiServerCheckpoint(checkpoints);
  if (checkpoint === undefined) {
    const problem = input.wanted === undefined ? undefined : 'the checkpoint of the API server is gone from this node';
    return { problem, evidence: ['no checkpoint of an API server'], process: undefined };
  }
  const status = await observeApiServer({ checkpoint, signal }, deps);
  const expected = await input.expectedSerial?.(signal);
  const standstill = await findStandstill(checkpoints, deps);
  const problem = standstill ?? problemOf(status, checkpoint.active?.manifest.path, expected);
  const { process } = status;
  const name = process && `${process.pid} ${process.startTicks}`;
  return { problem, evidence: [status.evidence], standstill, process: name };
}

function problemOf(
  status: ApiServerStatus,
  active: HostPath | undefined,
  expected: string | undefined,
): string | undefined {
  if (!status.isHealthy) return `the API server is not ready: ${status.evidence}`;
  if (active !== undefined) return `the API server still runs from its checkpoint ${active}`;
  if (status.by === 'checkpoint') return 'the checkpoint of the API server has not terminated yet';
  if (status.by === 'neither') return 'the API server answers, but not from the container of its own pod';
  if (expected !== undefined && normal(status.serialNumber ?? '') !== normal(expected)) {
    return `the API server serves certificate ${status.serialNumber ?? 'none'}, not ${expected}`;
  }
  return undefined;
}

/** Observes until one process was healthy for the whole window. */
async function watch(
  input: Resolved & { readonly forMs: number },
  waitingFor: (what: string) => void,
  deps: StabilityDeps,
  signal: AbortSignal,
): Promise<Observation> {
  const start = deps.clock.now().getTime();
  let streak: { readonly since: number; readonly process: string | undefined; answers: number } | undefined;
  let stillSince: number | undefined;
  let restarts = 0;
  let lastReason = '';
  const report = (what: string): void => {
    if (what !== lastReason) waitingFor(what);
    lastReason = what;
  };
  // Just started, it answers its first request after seconds.
  report('the API server to answer');
  for (;;) {
    signal.throwIfAborted();
    const observation = await observe(input, deps, signal);
    const now = deps.clock.now().getTime();
    stillSince = observation.standstill === undefined ? undefined : (stillSince ?? now);
    if (stillSince !== undefined && now - stillSince >= STANDSTILL_MS && restarts < MAX_RESTARTS) {
      // The hand-over came before the kubelet could start the parent: restart from the checkpoint.
      restarts += 1;
      report('the restart of the stuck API server');
      await restartCheckpointPods(input, deps);
      stillSince = undefined;
    }
    if (observation.problem !== undefined) {
      // The window restarts, as the first crashes of the parent belong to the hand-over.
      streak = undefined;
      if (now - start >= input.timeoutMs) return { ...observation, process: undefined };
      report(observation.problem);
    } else if (streak === undefined || streak.process !== observation.process) {
      if (observation.process === undefined) return { ...observation, process: '' };
      streak = { since: now, process: observation.process, answers: 1 };
      report(`the API server to stay up for ${input.forMs / 1000} s, through the refreshes of the checkpointer`);
    } else {
      streak.answers += 1;
      if (now - streak.since >= input.forMs) {
        const pid = observation.process?.split(' ')[0];
        const seconds = Math.round((now - streak.since) / 1000);
        return {
          ...observation,
          evidence: [
            `process ${pid} of its own pod gave ${streak.answers} good answers in a row in ${seconds} s`,
            ...observation.evidence,
          ],
        };
      }
    }
    if (now - start >= input.timeoutMs + input.forMs) {
      return {
        problem: `the API server did not stay up: ${lastReason}`,
        evidence: observation.evidence,
        process: undefined,
      };
    }
    await deps.clock.sleep(input.intervalMs, signal);
  }
}

/** Ends sandboxes and checkpointers and starts the kubelet; changes nothing on disk. */
async function restartCheckpointPods(input: Resolved, deps: StabilityDeps): Promise<void> {
  const { checkpoints, directories } = await readCheckpoints(input, deps);
  const frozen = checkpoints.filter((each) => each.isCheckpointer || each.component === 'kube-apiserver');
  const { restart } = planFreeze({ directories, checkpoints: frozen, kubeletService: input.kubeletService });
  await createFreezeChangeKinds(deps)
    .find(({ kind }) => kind === restart.kind)
    ?.apply(restart, undefined);
}

async function judgeContents(
  input: Resolved,
  evidence: readonly string[],
  deps: StabilityDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  try {
    const checkpoints = await readCheckpoints(input, deps);
    const contents = await planContents({ checkpoints, wanted: await input.wanted?.(signal) }, deps, signal);
    const left = [...contents.objects, ...contents.files].map(({ change }) => change.target);
    if (left.length === 0) return { verified: true, evidence: [...evidence, 'the cached files are unchanged'] };
    const hint = 'find the other process that writes there';
    return { verified: false, reason: `changed after they were written: ${left.join(', ')}`, hint };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `the cached files could not be compared: ${error.message}`, hint: error.hint };
  }
}

function unstable({ problem, evidence }: Observation): Verdict {
  const hint = 'check the logs of the API server and of the checkpointer in /var/log/pods';
  return { verified: false, reason: [problem ?? 'the API server did not stay up', ...evidence].join('; '), hint };
}

function resolve(input: CheckpointStabilityInput): Resolved {
  const { refreshPeriodMs = 60_000, refreshPeriods = 2 } = input;
  return {
    ...input,
    windowMs: refreshPeriods === 0 ? 0 : refreshPeriodMs * refreshPeriods + Math.min(REFRESH_SLACK_MS, refreshPeriodMs),
    restartKubelet: input.restartKubelet ?? true,
    afterRestartMs: input.afterRestartMs ?? 30_000,
    intervalMs: input.intervalMs ?? 1_000,
    timeoutMs: input.timeoutMs ?? 300_000,
  };
}

function normal(serial: string): string {
  return serial.replaceAll(':', '').replace(/^0+/, '').toUpperCase();
}
