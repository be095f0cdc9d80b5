import { describeError, redact } from '@kube-rescue/errors';
import { WorkflowError } from '../errors.ts';
import { isSelected, type Selection } from '../plan/selection.ts';
import { recordEnd } from './run-end.ts';
import type { FindingRecord } from '../journal/journal-record.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { WorkflowDeps } from './workflow-deps.ts';
import type { Finding, Phase, Playbook, Step, StepId, StepJournal, Verdict } from '../plan/step.ts';
import { createSequence, openStepJournal, type Sequence } from '../journal/step-journal.ts';
import { describeNotReverted, unwind } from './unwind.ts';
import { describeNextSteps, rollbackAccessOf, rollbackFlags } from './next-steps.ts';

/** The result of one step. */
export interface StepReport {
  readonly phase: string;
  readonly step: StepId;
  readonly title: string;
  readonly result: 'ok' | 'done' | 'skipped';
  readonly changes: number;
  readonly evidence: readonly string[];
  /** What the operator has to know although the step succeeded. */
  readonly warnings?: readonly string[];
  /** Seconds from the start of the check to the verdict. */
  readonly seconds: number;
  /** Of these, seconds spent waiting; absent when the step reported no waiting. */
  readonly waitedSeconds?: number;
}

interface Execution {
  readonly playbook: Playbook;
  readonly selection: Selection;
  /** Steps applied but not verified by an earlier attempt. */
  readonly pending: ReadonlySet<StepId>;
  /** Steps other than precautions have work. */
  readonly hasWork: boolean;
  readonly run: RunDirectory;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
  readonly signal: AbortSignal;
}

type Attempt = Pick<Execution, 'run' | 'resumeCommand'>;

/** A step, or a phase whose steps could not be created. */
type FailedStep = Pick<Step, 'id' | 'reversible'>;

/** Why a step failed; the stage decides what is rolled back. */
class StepFailure extends Error {
  readonly step: FailedStep;
  readonly stage: 'blocked' | 'apply' | 'verify';
  readonly hint: string | undefined;

  constructor(
    step: FailedStep,
    stage: StepFailure['stage'],
    message: string,
    options: { hint?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.step = step;
    this.stage = stage;
    this.hint = options.hint;
  }
}

/** Runs the phases; each is created, checked and planned when it is reached. */
export async function executePhases(execution: Execution, deps: WorkflowDeps): Promise<readonly StepReport[]> {
  const { playbook, run, signal } = execution;
  const { nextSeq, applied: appliedBefore } = await run.state();
  const sequence = createSequence(nextSeq);
  const applied = new Set(appliedBefore.keys());
  const reports: StepReport[] = [];
  let irreversible = false;
  for (const phase of playbook.phases) {
    const steps = await loadSteps(phase, signal).catch(async (error: unknown) => {
      // Changes of earlier phases are active by now, so the end of the run must be recorded.
      const failedPhase: FailedStep = { id: phase.id, reversible: 'yes' };
      throw await failRun(error, failedPhase, { irreversible, interrupted: signal.aborted }, execution, deps);
    });
    if (steps.length > 0) deps.onEvent({ type: 'phase-started', phase: phase.id, title: phase.title });
    for (const step of steps) {
      if (signal.aborted) throw await endInterrupted(execution, deps);
      try {
        const report = await executeStep(step, phase.id, { ...execution, sequence, applied }, deps);
        reports.push(report);
        if (report.result === 'done') applied.add(step.id);
        irreversible ||= report.result === 'done' && step.reversible === 'no';
      } catch (error) {
        throw await failRun(error, step, { irreversible, interrupted: signal.aborted }, execution, deps);
      }
    }
  }
  return reports;
}

async function loadSteps(phase: Phase, signal: AbortSignal): Promise<readonly Step[]> {
  return phase.steps(signal);
}

async function executeStep(
  step: Step,
  phase: string,
  execution: Execution & { readonly sequence: Sequence; readonly applied: ReadonlySet<StepId> },
  deps: WorkflowDeps,
): Promise<StepReport> {
  const { run, signal, selection, pending, sequence, applied } = execution;
  const { clock, onEvent } = deps;
  const started = clock.now();
  const report = (result: StepReport['result'], changes: number, evidence: readonly string[]): StepReport => {
    const seconds = (clock.now().getTime() - started.getTime()) / 1000;
    return { phase, step: step.id, title: step.title, result, changes, evidence, seconds };
  };
  if (!isSelected(step.id, selection)) return report('skipped', 0, []);
  const isIdle = step.isPrecaution === true && (!execution.hasWork || applied.has(step.id));
  if (isIdle) return report('ok', 0, []);
  const finding = await step.check(signal);
  const isDue = pending.has(step.id) || (step.isProof === true && step.requires.some((id) => applied.has(id)));
  if (finding.status !== 'ok' || !isDue) onEvent({ type: 'step-checked', step: step.id, title: step.title, finding });
  if (finding.status === 'ok' && !isDue) {
    const { evidence, warnings = [] } = finding;
    return { ...report('ok', 0, evidence), ...(warnings.length === 0 ? {} : { warnings }) };
  }
  const at = (): string => clock.now().toISOString();
  const found = toRecord(step, phase, finding, at());
  if (finding.status !== 'needed') await run.append(found);
  assertReady(step, finding);
  onEvent({ type: 'step-started', step: step.id, title: step.title });
  const { journal, waitedSeconds } = measureWaiting(
    openStepJournal(step, { run, kinds: deps.kinds, sequence, clock, onEvent }),
    clock,
  );
  const changes = finding.status === 'needed' ? step.plan(finding) : [];
  if (finding.status === 'needed') {
    await run.append(found, { type: 'step', step: step.id, at: at() });
    try {
      await step.apply(changes, journal, signal);
    } catch (cause) {
      throw new StepFailure(step, 'apply', describeError(cause), { cause });
    }
    await run.append({ type: 'applied', step: step.id, at: at() });
  }
  const verdict = await verifyStep(step, signal, journal);
  onEvent({
    type: 'step-finished',
    step: step.id,
    verified: verdict.verified,
    evidence: verdict.verified ? verdict.evidence : [verdict.reason],
  });
  if (!verdict.verified) throw new StepFailure(step, 'verify', verdict.reason, { hint: verdict.hint });
  const { evidence, warnings } = verdict;
  await run.append({
    type: 'verified',
    step: step.id,
    at: at(),
    evidence: evidence.map(redact),
    warnings: warnings?.map(redact),
  });
  const waited = waitedSeconds();
  return {
    ...report('done', changes.length, verdict.evidence),
    ...(waited === 0 ? {} : { waitedSeconds: waited }),
    ...(verdict.warnings === undefined ? {} : { warnings: verdict.warnings }),
  };
}

function toRecord({ id, title }: Step, phase: string, finding: Finding, at: string): FindingRecord {
  const { status, summary, evidence, hint } = finding;
  const redacted = { summary: redact(summary), evidence: evidence.map(redact), hint: hint && redact(hint) };
  return { type: 'finding', step: id, phase, title, status, ...redacted, at };
}

/** Wraps `journal` to measure the time from each `waitingFor` to the next edit, or to the end of the step. */
function measureWaiting(
  journal: StepJournal,
  clock: WorkflowDeps['clock'],
): { readonly journal: StepJournal; readonly waitedSeconds: () => number } {
  let since: number | undefined;
  let waitedMs = 0;
  const settle = (): void => {
    waitedMs += since === undefined ? 0 : clock.now().getTime() - since;
    since = undefined;
  };
  return {
    waitedSeconds: () => {
      settle();
      return waitedMs / 1000;
    },
    journal: {
      waitingFor: (what) => {
        since ??= clock.now().getTime();
        journal.waitingFor(what);
      },
      perform: async (edits) => {
        settle();
        await journal.perform(edits);
      },
    },
  };
}

async function verifyStep(step: Step, signal: AbortSignal, journal: StepJournal): Promise<Verdict> {
  try {
    return await step.verify(signal, (what) => journal.waitingFor(what));
  } catch (cause) {
    throw new StepFailure(step, 'verify', describeError(cause), { cause });
  }
}

function assertReady(step: Step, finding: Finding): void {
  if (finding.status === 'ok' || finding.status === 'needed') return;
  throw new StepFailure(step, 'blocked', finding.summary, { hint: finding.hint });
}

async function endInterrupted({ run, resumeCommand }: Attempt, deps: WorkflowDeps): Promise<WorkflowError> {
  await recordEnd(run, 'interrupted', deps.clock);
  return new WorkflowError({
    code: 'INTERRUPTED',
    message: 'stopped between two steps; the changes so far are active',
    subject: run.id,
    hint: describeNextSteps({ id: run.id, resumeCommand, outcome: 'interrupted' }, await rollbackAccessOf(run, deps)),
  });
}

/** Rolls back what has to be rolled back, records the outcome of the run, and returns its error. */
async function failRun(
  error: unknown,
  step: FailedStep,
  state: { readonly irreversible: boolean; readonly interrupted: boolean },
  attempt: Attempt,
  deps: WorkflowDeps,
): Promise<WorkflowError> {
  const { run, resumeCommand } = attempt;
  const failure =
    error instanceof StepFailure ? error : new StepFailure(step, 'apply', describeError(error), { cause: error });
  const { activeChanges, unfinished } = await run.state();
  const isIrreversible = failure.stage === 'verify' && step.reversible === 'no';
  const keepRun = state.irreversible || state.interrupted || isIrreversible;
  const { notReverted } = await unwind(keepRun ? unfinished : activeChanges, { ...deps, run, isFailing: true });
  const why = `${failure.step.id}: ${failure.message}`;
  if (notReverted.length > 0) {
    await recordEnd(run, 'rollback-incomplete', deps.clock, why);
    return new WorkflowError({
      code: 'ROLLBACK_INCOMPLETE',
      message: `${why}; not rolled back: ${describeNotReverted(notReverted)}`,
      subject: run.path,
      hint: `restore these by hand from the backup directory of this run, or try again: rollback ${run.id}${rollbackFlags(await rollbackAccessOf(run, deps))}`,
      cause: failure.cause,
    });
  }
  if (state.interrupted) return endInterrupted(attempt, deps);
  if (keepRun) {
    await recordEnd(run, 'not-verified', deps.clock, why);
    const access = await rollbackAccessOf(run, deps);
    const nextSteps = describeNextSteps({ id: run.id, resumeCommand, outcome: 'not-verified' }, access);
    return new WorkflowError({
      code: 'NOT_VERIFIED',
      message: why,
      subject: run.id,
      hint: `${failure.hint ?? 'fix the cause'}; then ${nextSteps}`,
      cause: failure.cause,
    });
  }
  await recordEnd(run, 'rolled-back', deps.clock, why);
  return new WorkflowError({
    code: 'APPLY_ROLLED_BACK',
    message: `${why}; every change of this run was rolled back`,
    subject: failure.step.id,
    hint: failure.hint ?? 'fix the cause, then run again',
    cause: failure.cause,
  });
}
