import type { TimelineEntry } from 'kube-rescue/command-line';
import type { LabDeps } from '@kube-rescue/lab';
import { type ReadyQuestion, watchForUsableApi } from './api-watch.ts';
import type { DrillNode, RescueAnswer } from '../rescue-command.ts';

export interface RecoveryTimes {
  /** From the start of the command until `/readyz` answers and goes on to answer to the end; `null` when it did not. */
  readonly secondsToUsableApi: number | null;
  /** Until a Deployment that was created meanwhile runs and answers; `null` without one. */
  readonly secondsToWorkloads: number | null;
  /** Until the name of the ingress resolves and answers; `null` without one. */
  readonly secondsToService: number | null;
  /** From the start of the command to its end: everything is proven to last. */
  readonly seconds: number;
  /** Of these, seconds in which the command waited for Kubernetes, etcd or DNS. */
  readonly waitedSeconds: number;
  readonly runId: string | null;
  /** The duration of each step, as the command reports it. */
  readonly steps: readonly TimelineEntry[];
  /** The same by phase; waiting is time that Kubernetes or etcd takes. */
  readonly phases: readonly PhaseTimes[];
}

interface PhaseTimes {
  readonly phase: string;
  readonly seconds: number;
  readonly waitedSeconds: number;
}

/** The fields of the answer of `recover` that the drill reads. */
interface RecoverResult {
  readonly runId: string | null;
  readonly waitedSeconds?: number;
  /** Of one node; absent for several. */
  readonly steps?: readonly {
    readonly phase: string;
    readonly step: string;
    readonly seconds: number;
    readonly waitedSeconds?: number;
    readonly result: string;
    readonly evidence: readonly string[];
  }[];
}

/** A new Deployment may come up a moment after the end of a recovery that is over in seconds. */
const GRACE_MS = 60_000;

type Observe = (signal: AbortSignal) => Promise<void>;

/** What is seen from outside, each until it holds; they end early when `signal` aborts. */
export interface Observations {
  /** Default: not looked at. */
  readonly workloads?: Observe | undefined;
  /** Default: the cluster has no name for the outside. */
  readonly service?: Observe | undefined;
}

/**
 * Recovers, and measures by independent means when the API server, new workloads and the name of the ingress work. What does not
 * work a minute after the recovery is not waited for.
 */
export async function recoverAndWatch(
  node: DrillNode,
  question: ReadyQuestion,
  observations: Observations,
  recover: () => Promise<RescueAnswer>,
  deps: LabDeps & { readonly signal: AbortSignal },
): Promise<{ readonly answer: RescueAnswer; readonly times: RecoveryTimes }> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, deps.signal]);
  const { clock } = deps;
  const started = clock.now().getTime();
  const secondsUntil = (time: Date): number => (time.getTime() - started) / 1000;
  const see = async (observe: Observe | undefined): Promise<number | null> => {
    try {
      await observe?.(signal);
      return observe === undefined ? null : secondsUntil(clock.now());
    } catch (error) {
      if (ended.signal.aborted) return null;
      throw error;
    }
  };
  const usable = watchForUsableApi(node, question, signal, deps);
  const seen = Promise.all([see(observations.workloads), see(observations.service)]);
  // A failure of a watcher is thrown after the recovery, not as an unhandled rejection in the middle of it.
  for (const watcher of [usable, seen]) watcher.catch(() => undefined);
  try {
    const answer = await recover();
    const seconds = secondsUntil(clock.now());
    if (answer.envelope?.ok === true) await Promise.race([seen, clock.sleep(GRACE_MS, deps.signal)]);
    ended.abort();
    // A completed recovery has an `ok` envelope, also with work left for the operator.
    const result =
      answer.envelope?.ok === true ? (answer.envelope.result as RecoverResult) : { runId: null, steps: [] };
    const done = (result.steps ?? []).filter((step) => step.result === 'done');
    const steps = done.map((step) => ({ name: step.step, seconds: step.seconds }));
    const { runId, waitedSeconds = 0 } = result;
    const usableAt = await usable;
    const [secondsToWorkloads, secondsToService] = await seen;
    const secondsToUsableApi = usableAt === undefined ? null : secondsUntil(usableAt);
    const reached = { secondsToUsableApi, secondsToWorkloads, secondsToService, seconds, waitedSeconds };
    return { answer, times: { ...reached, runId, steps, phases: sumUp(result) } };
  } finally {
    ended.abort();
    await Promise.allSettled([usable, seen]);
  }
}

function sumUp({ steps = [] }: RecoverResult): readonly PhaseTimes[] {
  return [...Map.groupBy(steps, ({ phase }) => phase)].map(([phase, own]) => ({
    phase,
    seconds: own.reduce((sum, { seconds }) => sum + seconds, 0),
    waitedSeconds: own.reduce((sum, { waitedSeconds = 0 }) => sum + waitedSeconds, 0),
  }));
}

/** The path of the etcd snapshot, from the evidence of the backup step. */
export function findSnapshot({ envelope }: RescueAnswer): string | undefined {
  const steps = envelope?.ok === true ? ((envelope.result as RecoverResult).steps ?? []) : [];
  const step = steps.find((each) => each.step === 'backup/etcd-snapshot' && each.result === 'done');
  return /^(\S+): /.exec(step?.evidence[0] ?? '')?.[1];
}
