import { describeError } from '@kube-rescue/errors';
import { WorkflowError } from '../errors.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { Step } from '../plan/step.ts';
import { describeNextSteps, rollbackAccessOf, rollbackFlags } from './next-steps.ts';
import { recordEnd } from './run-end.ts';
import { describeNotReverted, unwind } from './unwind.ts';
import type { WorkflowDeps } from './workflow-deps.ts';

/** The run that ends, and the command that resumes it. */
export interface Attempt {
  readonly run: RunDirectory;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
}

/** A step, or a phase whose steps could not be created. */
export type FailedStep = Pick<Step, 'id' | 'reversible'>;

/** Why a step failed; the stage decides what is rolled back. */
export class StepFailure extends Error {
  readonly step: FailedStep;
  readonly stage: 'blocked' | 'apply' | 'verify';
  readonly hint: string | undefined;
  /** As in a `Verdict`. */
  readonly awaits: string | undefined;

  constructor(
    step: FailedStep,
    stage: StepFailure['stage'],
    message: string,
    options: { hint?: string | undefined; awaits?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.step = step;
    this.stage = stage;
    this.hint = options.hint;
    this.awaits = options.awaits;
  }
}

/** Records that the run was stopped between two steps, and returns its error. */
export async function endInterrupted({ run, resumeCommand }: Attempt, deps: WorkflowDeps): Promise<WorkflowError> {
  await recordEnd(run, 'interrupted', deps.clock);
  return new WorkflowError({
    code: 'INTERRUPTED',
    message: 'stopped between two steps; the changes so far are active',
    subject: run.id,
    hint: describeNextSteps({ id: run.id, resumeCommand, outcome: 'interrupted' }, await rollbackAccessOf(run, deps)),
  });
}

/** A failure of a step, as a {@link StepFailure}. */
export function toStepFailure(error: unknown, step: FailedStep): StepFailure {
  if (error instanceof StepFailure) return error;
  return new StepFailure(step, 'apply', describeError(error), { cause: error });
}

/**
 * Rolls back what has to be rolled back, records the outcome of the run, and returns its error.
 * @param failures one, or several of steps that ran side by side, the first in time first
 */
export async function failRun(
  failures: readonly [StepFailure, ...StepFailure[]],
  state: { readonly irreversible: boolean; readonly interrupted: boolean },
  attempt: Attempt,
  deps: WorkflowDeps,
): Promise<WorkflowError> {
  const { run, resumeCommand } = attempt;
  const [first] = failures;
  const { activeChanges, unfinished } = await run.state();
  const isIrreversible = failures.some(({ stage, step }) => stage === 'verify' && step.reversible === 'no');
  const keepRun = state.irreversible || state.interrupted || isIrreversible;
  const { notReverted } = await unwind(keepRun ? unfinished : activeChanges, { ...deps, run, isFailing: true });
  const why = failures.map(({ step, message }) => `${step.id}: ${message}`).join('; ');
  const hints = [...new Set(failures.flatMap(({ hint }) => hint ?? []))];
  const hint = hints.length === 0 ? undefined : hints.join('; ');
  if (notReverted.length > 0) {
    await recordEnd(run, 'rollback-incomplete', deps.clock, why);
    return new WorkflowError({
      code: 'ROLLBACK_INCOMPLETE',
      message: `${why}; not rolled back: ${describeNotReverted(notReverted)}`,
      subject: run.path,
      hint: `restore these by hand from the backup directory of this run, or try again: \`kube-rescue rollback ${run.id}${rollbackFlags(await rollbackAccessOf(run, deps))}\``,
      cause: first.cause,
    });
  }
  if (state.interrupted) return endInterrupted(attempt, deps);
  if (keepRun) {
    await recordEnd(run, 'not-verified', deps.clock, why);
    const access = await rollbackAccessOf(run, deps);
    const nextSteps = describeNextSteps({ id: run.id, resumeCommand, outcome: 'not-verified' }, access);
    const awaits = failures.map((failure) => failure.awaits);
    if (awaits.every((each) => each !== undefined)) {
      return new WorkflowError({
        code: 'WAITING_FOR_OTHERS',
        message: `applied here; ${[...new Set(failures.map(({ message }) => message))].join('; ')}`,
        subject: [...new Set(awaits)].join(', '),
        hint: `${hint ?? 'wait for them'}; then ${nextSteps}`,
        cause: first.cause,
      });
    }
    return new WorkflowError({
      code: 'NOT_VERIFIED',
      message: why,
      subject: run.id,
      hint: `${hint ?? 'fix the cause'}; then ${nextSteps}`,
      cause: first.cause,
    });
  }
  await recordEnd(run, 'rolled-back', deps.clock, why);
  return new WorkflowError({
    code: 'APPLY_ROLLED_BACK',
    message: `${why}; every change of this run was rolled back`,
    subject: first.step.id,
    hint: hint ?? 'fix the cause, then run again',
    cause: first.cause,
  });
}
