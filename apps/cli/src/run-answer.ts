import type { NextStep } from '@kube-rescue/diagnosis';
import type { RecoveryTimes } from '@kube-rescue/recovery';
import type { RunResult, StepReport } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { commandLine } from './call.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { renderEnding } from './render/causes.ts';
import { count, formatSeconds, indentText } from './render/text.ts';
import { renderTimeline } from './render/timeline.ts';
import type { Terminal } from './terminal.ts';
import type { Session } from './wiring.ts';

/** Answer of a run. */
export interface RunAnswer {
  readonly playbook: string;
  readonly host: string;
  readonly runId: string | null;
  readonly outcome: RunResult['outcome'];
  /** Without the time in which the operator was asked. */
  readonly seconds: number;
  /** Of these, seconds in which every running step waited for something else. */
  readonly waitedSeconds: number;
  /** How long people waited for what; for a recovery. */
  readonly times?: RecoveryTimes | undefined;
  /** What was restarted or started, in the words of the operator. */
  readonly restarted: readonly string[];
  readonly steps: readonly StepReport[];
  /** What to do now; `null` when nothing is left. */
  readonly nextStep: NextStep | null;
  /** What puts every change back; `null` where nothing was changed, or nothing can be put back. */
  readonly rollback: NextStep | null;
}

/** What to do once a run is done; `null`: nothing. */
export type AfterRun = (restarted: readonly string[]) => Promise<NextStep | null>;

/** Shorter steps say nothing about where the time went. */
const LEAST_SECONDS = 1;

/**
 * The answer of a run that is done; prints its timeline and its warnings.
 * @param access flags of its rollback; `undefined` when nothing of it can be rolled back
 * @throws CliError `DECLINED`
 */
export async function answerRun(
  result: RunResult,
  { access, after }: { readonly access: string | undefined; readonly after: AfterRun | undefined },
  { reporter, host }: Pick<Session, 'reporter' | 'host'>,
): Promise<Answer<RunAnswer>> {
  const { runId, outcome, seconds, waitedSeconds, steps, plan } = result;
  if (outcome === 'declined') throw new CliError({ code: 'DECLINED', message: 'aborted; nothing was changed' });
  const done = steps.filter((step) => step.result === 'done');
  const long = done.filter((step) => step.seconds >= LEAST_SECONDS);
  if (long.length > 0) {
    const entries = long.map((step) => ({ name: step.title, seconds: step.seconds }));
    reporter.print(`\n${renderTimeline(entries, seconds, reporter.terminal)}\n`);
  }
  const backups = done.filter(({ step }) => step.startsWith('backup/')).flatMap(({ evidence }) => evidence);
  for (const warning of steps.flatMap(({ warnings }) => warnings ?? [])) reporter.warn(warning);
  const restarted = [...new Set(done.flatMap((step) => step.restarted ?? []))];
  const isDone = outcome === 'done';
  const next = isDone && after !== undefined ? await after(restarted) : null;
  const changes = steps.reduce((sum, step) => sum + step.changes, 0);
  const state = isDone
    ? `done: ${count(changes, 'change')} in ${count(done.length, 'step')}, ${formatSeconds(seconds)}`
    : `nothing to do: everything is up to date (${formatSeconds(seconds)})`;
  const effect =
    restarted.length > 0
      ? `restarted: ${restarted.join(', ')}`
      : host.kind === 'copy'
        ? 'files of a copy only: nothing was restarted'
        : 'nothing was restarted';
  const rollback =
    isDone && access !== undefined
      ? { command: `rollback ${runId ?? ''}${access}`, text: 'puts every change of this run back' }
      : null;
  return {
    result: {
      ...{ playbook: plan.playbook, host: plan.host, runId: runId ?? null, outcome },
      ...{ seconds, waitedSeconds, restarted, steps, nextStep: next, rollback },
    },
    exitCode: EXIT.done,
    text: (terminal) =>
      [
        ...(isDone ? backups.map((line) => indentText('backup: ', line, terminal.columns)) : []),
        ...(isDone ? [describeRollback(rollback, terminal), indentText('', effect, terminal.columns)] : []),
        ...renderEnding(state, { next }, terminal),
      ].join('\n'),
  };
}

/** A line of its own, to be pasted. */
function describeRollback(rollback: RunAnswer['rollback'], { call }: Terminal): string {
  if (rollback?.command === undefined || rollback.command === null) return 'nothing of it can be rolled back';
  return `roll back with: ${commandLine(rollback.command, call)}`;
}
