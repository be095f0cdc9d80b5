import { describeError } from '@kube-rescue/errors';
import type { RunState, WorkflowDeps } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { ask, assertCanConfirm, isOnTerminal } from './confirmation.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { createProgress } from './render/progress.ts';
import { count, indentText, oneLine } from './render/text.ts';
import { followRun } from './render/workflow-progress.ts';
import { assertMayWrite, type Session } from './wiring.ts';

/** What `rollback` is told. */
export interface RollbackInput {
  readonly run: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** Go back even where that makes things worse. */
  readonly force: boolean;
}

/** Takes a run back, or lists what that would put back. */
export async function answerRollback(input: RollbackInput, session: Session): Promise<Answer> {
  const { reporter, clock, interruption } = session;
  if (!input.dryRun) {
    assertMayWrite(session.host);
    assertCanConfirm({ yes: input.yes, hasTerminal: isOnTerminal() });
  }
  const progress = createProgress(reporter, clock);
  const follow = followRun(progress);
  let isReplaying = false;
  const deps = await session.openWorkflow((event) => {
    isReplaying ||= event.type === 'undo';
    follow(event);
  });
  const folder = await deps.store.open(input.run);
  const changes = describeStanding(await folder.state(), deps);
  const listFor = (columns: number): string => changes.map((text) => indentText('- ', text, columns)).join('\n');
  const { judgeRollback, listLaterRuns } = await import('@kube-rescue/diagnosis');
  const worse = await judgeRollback(folder, session.node);
  const later = await listLaterRuns(folder, deps.store);
  if (input.dryRun) {
    const warning = [
      ...worse.map((reason) => oneLine(`worse than now: ${reason}`)),
      ...later.map((run) => `first to be taken back: rollback ${run}`),
    ];
    return {
      result: { run: input.run, changes, worse, later },
      exitCode: changes.length === 0 ? EXIT.done : EXIT.problems,
      text: ({ columns }) =>
        changes.length === 0
          ? 'nothing to take back'
          : [
              `to be taken back, the last first:\n${listFor(columns)}`,
              ...warning.map((line) => indentText('', line, columns)),
            ].join('\n'),
    };
  }
  if (later.length > 0 && !input.force) throw isOutOfTurn(input.run, later);
  if (worse.length > 0 && !input.force) throw isWorse(input.run, worse);
  if (!input.yes) {
    reporter.print(`to be taken back, the last first:\n${listFor(reporter.terminal.columns)}`);
    if (!(await ask(`Take back run ${input.run}?`, interruption.signal))) {
      throw new CliError({ code: 'DECLINED', message: 'you said no; nothing was changed' });
    }
  }
  interruption.remember(`the journal of the run is in ${folder.path}`);
  return takeBack(input.run, deps, () => isReplaying);
}

async function takeBack(run: string, deps: WorkflowDeps, isReplaying: () => boolean): Promise<Answer> {
  const { rollbackRun } = await import('@kube-rescue/workflow');
  const { undone, notReverted } = await rollbackRun(run, deps).catch((error: unknown) => {
    // Some changes may have been taken back and others not.
    throw isReplaying() ? incomplete(run, describeError(error)) : error;
  });
  const reasons = notReverted.map(({ change, reason }) => ({ target: change.target, reason }));
  const summary =
    undone + notReverted.length === 0
      ? `nothing to take back: no change of run ${run} stands`
      : `taken back: ${count(undone, 'change')} of run ${run}`;
  return {
    result: { run, undone, notReverted: reasons },
    exitCode: notReverted.length === 0 ? EXIT.done : EXIT.rollbackIncomplete,
    text: () => [summary, ...reasons.map(({ target, reason }) => oneLine(`left: ${target}: ${reason}`))].join('\n'),
    failure: notReverted.length === 0 ? undefined : incomplete(run, reasons.map(({ reason }) => reason).join('; ')),
  };
}

function isOutOfTurn(run: string, later: readonly string[]): CliError {
  return new CliError({
    code: 'ROLLBACK_OUT_OF_TURN',
    message: `nothing was changed: later runs have changed the same files again: ${later.join(', ')}`,
    subject: run,
    hint: `take the newest back first: rollback ${later[0] ?? ''}; or go back as far as these files allow: rollback ${run} --force`,
  });
}

function isWorse(run: string, reasons: readonly string[]): CliError {
  return new CliError({
    code: 'ROLLBACK_WORSE',
    message: `nothing was changed: going back would put expired certificates back: ${reasons.join('; ')}`,
    subject: run,
    hint: 'leave it as it is; if this is what you want all the same: rollback RUN --force',
  });
}

function incomplete(run: string, reason: string): CliError {
  return new CliError({
    code: 'ROLLBACK_INCOMPLETE',
    message: `not everything was taken back: ${reason}`,
    subject: run,
    hint: 'put these back by hand from the folder backup of the run, or cure the cause and run rollback again',
  });
}

function describeStanding({ activeChanges }: RunState, { kinds }: WorkflowDeps): readonly string[] {
  return activeChanges.toReversed().map(({ change }) => {
    return oneLine(kinds.get(change.kind)?.describe(change) ?? `${change.kind} ${change.target}`);
  });
}
