import type { TimelineEntry } from 'kube-rescue/command-line';
import type { LabDeps } from '@kube-rescue/lab';
import { type ReadyQuestion, watchForReadyApi } from './api-watch.ts';
import type { DrillNode, RescueAnswer } from '../rescue-command.ts';

export interface RecoveryTimes {
  /** From the start of the command to the first good answer of `/readyz`; `null` without one. */
  readonly secondsToReadyApi: number | null;
  /** From the start of the command to its end. */
  readonly seconds: number;
  readonly runId: string | null;
  /** The duration of each step, as the command reports it. */
  readonly steps: readonly TimelineEntry[];
  /** The same by phase; waiting is time that Kubernetes or etcd takes. */
  readonly phases: readonly PhaseTimes[];
}

export interface PhaseTimes {
  readonly phase: string;
  readonly seconds: number;
  readonly waitedSeconds: number;
}

/** The fields of the answer of `recover` that the drill reads. */
interface RecoverResult {
  readonly runId: string | null;
  readonly steps: readonly {
    readonly phase: string;
    readonly step: string;
    readonly seconds: number;
    readonly waitedSeconds?: number;
    readonly result: string;
    readonly evidence: readonly string[];
  }[];
}

/** Recovers, and measures the time until the API server answers, with {@link watchForReadyApi}. */
export async function recoverAndWatch(
  node: DrillNode,
  question: ReadyQuestion,
  recover: () => Promise<RescueAnswer>,
  deps: LabDeps & { readonly signal: AbortSignal },
): Promise<{ readonly answer: RescueAnswer; readonly times: RecoveryTimes }> {
  const ended = new AbortController();
  const ready = watchForReadyApi(node, question, { ...deps, signal: AbortSignal.any([ended.signal, deps.signal]) });
  const started = deps.clock.now().getTime();
  try {
    const answer = await recover();
    const seconds = (deps.clock.now().getTime() - started) / 1000;
    // A completed recovery has an `ok` envelope, also with work left for the operator.
    if (answer.envelope?.ok !== true) ended.abort();
    const result =
      answer.envelope?.ok === true ? (answer.envelope.result as RecoverResult) : { runId: null, steps: [] };
    const done = result.steps.filter((step) => step.result === 'done');
    const steps = done.map((step) => ({ name: step.step, seconds: step.seconds }));
    const { runId } = result;
    const secondsToReadyApi = (await ready) ?? null;
    return { answer, times: { secondsToReadyApi, seconds, runId, steps, phases: sumUp(result) } };
  } finally {
    ended.abort();
    await ready;
  }
}

function sumUp({ steps }: RecoverResult): readonly PhaseTimes[] {
  return [...Map.groupBy(steps, ({ phase }) => phase)].map(([phase, own]) => ({
    phase,
    seconds: own.reduce((sum, { seconds }) => sum + seconds, 0),
    waitedSeconds: own.reduce((sum, { waitedSeconds = 0 }) => sum + waitedSeconds, 0),
  }));
}

/** The path of the etcd snapshot, from the evidence of the backup step. */
export function findSnapshot({ envelope }: RescueAnswer): string | undefined {
  const steps = envelope?.ok === true ? (envelope.result as RecoverResult).steps : [];
  const step = steps.find((each) => each.step === 'backup/etcd-snapshot' && each.result === 'done');
  return /^(\S+): /.exec(step?.evidence[0] ?? '')?.[1];
}
