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
  /** The static pod folder of the kubelet. */
  readonly directory: HostPath;
  /** Name of the kubelet's service. */
  readonly kubeletService: string;
  /** As for the contents. Default: the cached copies are to be what the objects in the cluster are. */
  readonly wanted?: ((signal: AbortSignal) => Promise<CheckpointContents>) | undefined;
  /** Serial number in hexadecimal of the certificate that must be served. Default: any. */
  readonly expectedSerial?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined;
  /** How often a checkpointer writes what it caches anew. Default: 60 s. */
  readonly refreshPeriodMs?: number | undefined;
  /** How many such periods the API server must last, from one process. 0: two good answers are enough. Default: 2. */
  readonly refreshPeriods?: number | undefined;
  /** Whether to restart the kubelet then, and to see the same process answer after it. Default: true. */
  readonly restartKubelet?: boolean | undefined;
  /** How long the API server must answer after that. Default: 30 s. */
  readonly afterRestartMs?: number | undefined;
  /** Between two questions. Default: 1 s. */
  readonly intervalMs?: number | undefined;
  /** How long the parent's API server may take to answer for the first time, hand-over and all. Default: 300 s. */
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

/** A parent between two crashes looks the same for a while. */
const STANDSTILL_MS = 20_000;
const MAX_CURES = 3;
/** Slack for a checkpointer whose loop is slowed down. */
const REFRESH_SLACK_MS = 10_000;

/**
 * Proves that a checkpointed API server is back for good: it answers from the parent's own container, no checkpoint of it
 * runs or lies among the static pods, one and the same process serves the expected certificate through two refresh periods of
 * the checkpointer and one restart of the kubelet, and after that everything cached is still as written.
 *
 * A single good answer is not the end: a checkpoint that answers hands over to its parent within the minute. Where that comes
 * before the kubelet can start the parent, the API server stands still, and is started anew, three times at most.
 */
export function createCheckpointStabilityStep(input: CheckpointStabilityInput, deps: StabilityDeps): Step {
  const resolved = resolve(input);
  return {
    id: input.id ?? 'checkpoint/stable',
    title: 'see the API server answer from its own pod, and stay',
    requires: input.requires,
    reversible: 'no',
    isProof: true,
    check: async (signal) => {
      const look = await lookOnce(resolved, deps, signal);
      if (look.problem === undefined) return { status: 'ok', summary: 'it is so already', evidence: look.evidence };
      return { status: 'needed', summary: look.problem, evidence: look.evidence };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async (signal, tell = () => undefined) => {
      // One that was cut off while the API server was started anew leaves a kubelet that nobody else would start.
      if ((await deps.host.services.status(input.kubeletService)) === 'stopped') {
        tell(`${input.kubeletService} to be started`);
        await deps.host.services.act('start', input.kubeletService);
      }
      const first = await watch({ ...resolved, forMs: resolved.windowMs }, tell, deps, signal);
      if (first.process === undefined) return unstable(first);
      const evidence = [...first.evidence];
      if (resolved.restartKubelet) {
        tell(`${input.kubeletService} to be restarted`);
        await deps.host.services.act('restart', input.kubeletService);
        const second = await watch(
          { ...resolved, forMs: resolved.afterRestartMs, timeoutMs: resolved.afterRestartMs },
          tell,
          deps,
          signal,
        );
        if (second.process === undefined) return unstable(second);
        if (second.process !== first.process) {
          return { verified: false, reason: 'another API server process answers since the kubelet was restarted' };
        }
        evidence.push(`${input.kubeletService} was restarted, and the same process answers`);
      }
      return judgeContents(resolved, evidence, deps, signal);
    },
  };
}

interface Look {
  /** Why it is not as it is to be. */
  readonly problem: string | undefined;
  readonly evidence: readonly string[];
  /** What is seen of an API server that nobody will start again. */
  readonly standstill?: string | undefined;
  /** Names one process for good; `undefined` where the node has no checkpointed API server. */
  readonly process: string | undefined;
}

async function lookOnce(input: Resolved, deps: StabilityDeps, signal: AbortSignal): Promise<Look> {
  const checkpoints = await readCheckpoints(input, deps);
  const checkpoint = findApiServerCheckpoint(checkpoints);
  if (checkpoint === undefined) {
    const problem =
      input.wanted === undefined ? undefined : 'there is no checkpoint of an API server on this node any more';
    return { problem, evidence: ['no checkpoint of an API server'], process: undefined };
  }
  const sight = await observeApiServer({ checkpoint, signal }, deps);
  const expected = await input.expectedSerial?.(signal);
  const standstill = await findStandstill(checkpoints, deps);
  const problem = standstill ?? problemOf(sight, checkpoint.active?.manifest.path, expected);
  const { process } = sight;
  const name = process && `${process.pid} ${process.startTicks}`;
  return { problem, evidence: [sight.evidence], standstill, process: name };
}

function problemOf(
  sight: ApiServerStatus,
  active: HostPath | undefined,
  expected: string | undefined,
): string | undefined {
  if (!sight.isHealthy) return `the API server is not ready: ${sight.evidence}`;
  if (active !== undefined)
    return `the API server runs from its checkpoint ${active}, and will hand over to its own pod`;
  if (sight.by === 'checkpoint') return 'the checkpoint of the API server has not ended yet';
  if (sight.by === 'nobody') return 'the API server answers, but not from the container of its own pod';
  if (expected !== undefined && normal(sight.serialNumber ?? '') !== normal(expected)) {
    return `the API server serves certificate ${sight.serialNumber ?? 'none'}, not ${expected}`;
  }
  return undefined;
}

/** Looks again and again until it was well for a whole window from one process. */
async function watch(
  input: Resolved & { readonly forMs: number },
  waitingFor: (what: string) => void,
  deps: StabilityDeps,
  signal: AbortSignal,
): Promise<Look> {
  const start = deps.clock.now().getTime();
  let streak: { readonly since: number; readonly process: string | undefined; answers: number } | undefined;
  let stillSince: number | undefined;
  let cures = 0;
  let told = '';
  const tell = (what: string): void => {
    if (what !== told) waitingFor(what);
    told = what;
  };
  for (;;) {
    signal.throwIfAborted();
    const look = await lookOnce(input, deps, signal);
    const now = deps.clock.now().getTime();
    stillSince = look.standstill === undefined ? undefined : (stillSince ?? now);
    if (stillSince !== undefined && now - stillSince >= STANDSTILL_MS && cures < MAX_CURES) {
      // The hand-over came before the kubelet had read what it needs to start the parent: from the start once more.
      cures += 1;
      tell('the API server to be started anew, as it stands still');
      await restartCheckpointPods(input, deps);
      stillSince = undefined;
    }
    if (look.problem !== undefined) {
      // What has begun to be well and ended has its time anew, as the parent's first crashes belong to the hand-over.
      streak = undefined;
      if (now - start >= input.timeoutMs) return { ...look, process: undefined };
      tell(look.problem);
    } else if (streak === undefined || streak.process !== look.process) {
      if (look.process === undefined) return { ...look, process: '' };
      streak = { since: now, process: look.process, answers: 1 };
      tell(`the API server to last for ${input.forMs / 1000} s, through the checkpointer's refreshes`);
    } else {
      streak.answers += 1;
      if (now - streak.since >= input.forMs) {
        const pid = look.process?.split(' ')[0];
        const seconds = Math.round((now - streak.since) / 1000);
        return {
          ...look,
          evidence: [
            `process ${pid} of its own pod gave ${streak.answers} good answers in a row in ${seconds} s`,
            ...look.evidence,
          ],
        };
      }
    }
    if (now - start >= input.timeoutMs + input.forMs) {
      return { problem: `it did not last: ${told}`, evidence: look.evidence, process: undefined };
    }
    await deps.clock.sleep(input.intervalMs, signal);
  }
}

/** Ends sandboxes and checkpointers and starts the kubelet; nothing that is kept on a disk changes. */
async function restartCheckpointPods(input: Resolved, deps: StabilityDeps): Promise<void> {
  const { checkpoints, folders } = await readCheckpoints(input, deps);
  const frozen = checkpoints.filter((each) => each.isCheckpointer || each.component === 'kube-apiserver');
  const { restart } = planFreeze({ folders, checkpoints: frozen, kubeletService: input.kubeletService });
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
    if (left.length === 0) return { verified: true, evidence: [...evidence, 'everything cached is still as written'] };
    const hint = 'find out who else writes there';
    return { verified: false, reason: `no longer as written: ${left.join(', ')}`, hint };
  } catch (error) {
    signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return { verified: false, reason: `what is cached could not be compared: ${error.message}`, hint: error.hint };
  }
}

function unstable({ problem, evidence }: Look): Verdict {
  const hint = 'read the logs of the API server and of the checkpointer in /var/log/pods';
  return { verified: false, reason: [problem ?? 'it did not last', ...evidence].join('; '), hint };
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
