import { describeError } from '@kube-rescue/errors';
import type { RunState, WorkflowDeps } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { ask, assertCanConfirm, isOnTerminal } from './confirmation.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { createProgress } from './render/progress.ts';
import { count, indentText, oneLine } from './render/text.ts';
import { followRun } from './render/workflow-progress.ts';
import { assertHarmsNoOthers } from './rollback-members.ts';
import { assertMayWrite, type Session } from './wiring.ts';

/** Input of `rollback`. */
export interface RollbackInput {
  /** Its id, or `latest`. */
  readonly run: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /**
   * Roll back despite later runs, and even if certificates that work are replaced by ones that do not. Splits no unit, and takes no
   * member away from a cluster of several control-plane nodes that works.
   */
  readonly force: boolean;
}

/**
 * Rolls a run back, or lists its active changes.
 * @throws CliError `NOT_ROOT`, `CONFIRMATION_REQUIRED`, `DECLINED`, `ROLLBACK_OUT_OF_TURN`, `ROLLBACK_WORSE`; NodeError
 * `QUORUM_LOSS`; WorkflowError `RUN_NOT_FOUND`
 */
export async function answerRollback(input: RollbackInput, session: Session): Promise<Answer> {
  const { reporter, clock, interruption } = session;
  if (!input.dryRun) assertMayWrite(session.host);
  const progress = createProgress(reporter, clock);
  const follow = followRun(progress);
  let isReplaying = false;
  const deps = await session.openWorkflow((event) => {
    isReplaying ||= event.type === 'undo';
    follow(event);
  });
  const run = await deps.store.open(input.run);
  const { id } = run;
  const state = await run.state();
  const { accessFlags, accessOf, assertFilesOnly, assertKnownKinds } = await import('@kube-rescue/workflow');
  assertKnownKinds(state.activeChanges, deps.kinds, { path: run.path, header: state.header });
  assertFilesOnly(state.activeChanges, deps);
  const changes = describeActive(state, deps);
  const listFor = (columns: number): string => changes.map((text) => indentText('- ', text, columns)).join('\n');
  const { judgeRollback, listLaterRuns } = await import('@kube-rescue/diagnosis');
  const worse = await judgeRollback(run, session.node);
  const later = await listLaterRuns(run, deps.store);
  if (input.dryRun) {
    const warning = [
      ...worse.map((reason) => oneLine(`would make things worse: ${reason}`)),
      ...later.map((each) => `roll back first: \`kube-rescue rollback ${each}\``),
    ];
    return {
      result: { run: id, changes, worse, later },
      exitCode: changes.length === 0 ? EXIT.done : EXIT.problems,
      text: ({ columns }) =>
        changes.length === 0
          ? 'nothing to roll back'
          : [
              `changes to roll back, newest first:\n${listFor(columns)}`,
              ...warning.map((line) => indentText('', line, columns)),
            ].join('\n'),
    };
  }
  const flags = accessFlags({ ...accessOf(deps), isSealed: (state.header?.seal ?? []).length > 0 });
  if (later.length > 0 && !input.force) throw isOutOfTurn(id, later, flags);
  if (worse.length > 0 && !input.force) throw isWorse(id, worse, flags);
  const active = state.activeChanges.map(({ change }) => change);
  const targets = active.map(({ target }) => target);
  const restores = active.filter(({ kind }) => kind === 'etcd.restore');
  await assertHarmsNoOthers({ run: id, reasons: worse, targets, restores }, session.node, interruption.signal);
  // Whatever else is wrong is said first.
  assertCanConfirm({ yes: input.yes, hasTerminal: isOnTerminal(), command: session.typed('rollback') });
  if (!input.yes) {
    reporter.print(`changes to roll back, newest first:\n${listFor(reporter.terminal.columns)}`);
    if (!(await ask(`Roll back run ${id}?`, interruption.signal))) {
      throw new CliError({ code: 'DECLINED', message: 'aborted; nothing was changed' });
    }
  }
  interruption.remember(`the journal of the run is in ${run.path}`);
  return rollBack(id, deps, () => isReplaying);
}

async function rollBack(run: string, deps: WorkflowDeps, isReplaying: () => boolean): Promise<Answer> {
  const { rollbackRun } = await import('@kube-rescue/workflow');
  const unwound = await rollbackRun(run, deps).catch((error: unknown) => {
    // Some changes may have been rolled back, others not.
    throw isReplaying() ? incomplete(run, [describeError(error)]) : error;
  });
  const { undone, notReverted } = unwound;
  // As paths on this machine, to copy from.
  const onThisMachine = (path: string): string => (deps.host.kind === 'copy' ? `${deps.host.name}${path}` : path);
  const replaced = unwound.replaced.map(({ target, kept }) => ({ target, kept: onThisMachine(kept) }));
  const reasons = notReverted.map(({ change, reason, old }) => ({
    target: change.target,
    reason,
    old: old === undefined ? null : onThisMachine(old),
  }));
  const summary =
    undone + notReverted.length === 0
      ? `nothing to roll back: run ${run} has no active changes`
      : `rolled back: ${count(undone, 'change')} of run ${run}`;
  return {
    result: { run, undone, notReverted: reasons, replaced },
    exitCode: notReverted.length === 0 ? EXIT.done : EXIT.rollbackIncomplete,
    text: () =>
      [
        summary,
        ...replaced.map(({ target, kept }) => oneLine(`the replaced ${target} is kept in ${kept}`)),
        ...reasons.map(({ target, reason, old }) =>
          oneLine(`not rolled back: ${target}: ${reason}${old === null ? '' : `; its old bytes are in ${old}`}`),
        ),
      ].join('\n'),
    failure:
      notReverted.length === 0
        ? undefined
        : incomplete(
            run,
            reasons.map(({ reason }) => reason),
          ),
  };
}

function isOutOfTurn(run: string, later: readonly string[], flags: string): CliError {
  return new CliError({
    code: 'ROLLBACK_OUT_OF_TURN',
    message: `nothing was changed: later runs changed the same files: ${later.join(', ')}`,
    subject: run,
    hint: `roll back the newest first: \`kube-rescue rollback ${later[0] ?? ''}${flags}\`; or roll back all that these files allow: \`kube-rescue rollback ${run}${flags} --force\``,
  });
}

function isWorse(run: string, reasons: readonly string[], flags: string): CliError {
  return new CliError({
    code: 'ROLLBACK_WORSE',
    message: 'nothing was changed: the rollback would make things worse',
    reasons,
    subject: run,
    hint: `to roll back all the same: \`kube-rescue rollback ${run}${flags} --force\``,
  });
}

function incomplete(run: string, reasons: readonly string[]): CliError {
  return new CliError({
    code: 'ROLLBACK_INCOMPLETE',
    message: 'the rollback is incomplete',
    reasons,
    subject: run,
    hint: 'restore the whole unit by hand from the backup directory of the run, never a part of it, or fix the cause and run rollback again',
  });
}

function describeActive({ activeChanges }: RunState, { kinds }: WorkflowDeps): readonly string[] {
  return activeChanges.toReversed().map(({ change }) => {
    return oneLine(kinds.get(change.kind)?.describe(change) ?? `${change.kind} ${change.target}`);
  });
}
