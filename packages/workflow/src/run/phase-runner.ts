import type { RunDirectory } from '../journal/run-directory.ts';
import { createSequence } from '../journal/step-journal.ts';
import type { Selection } from '../plan/selection.ts';
import type { Phase, Playbook, Step, StepId } from '../plan/step.ts';
import { endInterrupted, type FailedStep, failRun, type StepFailure, toStepFailure } from './run-failure.ts';
import { runSideBySide } from './side-by-side.ts';
import { executeStep, type StepReport } from './step-runner.ts';
import type { WaitClock } from './wait-clock.ts';
import type { WorkflowDeps } from './workflow-deps.ts';

interface Execution {
  readonly playbook: Playbook;
  readonly startedAt: Date;
  readonly selection: Selection;
  /** Steps applied but not verified by an earlier attempt. */
  readonly pending: ReadonlySet<StepId>;
  /** Steps other than precautions have work. */
  readonly hasWork: boolean;
  readonly run: RunDirectory;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
  readonly waiting: WaitClock;
  readonly signal: AbortSignal;
}

/**
 * Runs the phases; each is created, checked and planned when it is reached.
 *
 * In a phase whose steps run side by side, a failure holds up the steps that require the failed one. The others run to their end:
 * what was begun is finished, and all failures are named. When the failure rolls the run back, no further step starts.
 */
export async function executePhases(execution: Execution, deps: WorkflowDeps): Promise<readonly StepReport[]> {
  const { playbook, run, signal } = execution;
  const { nextSeq, applied: appliedBefore } = await run.state();
  const applied = new Set(appliedBefore.keys());
  const context = { ...execution, sequence: createSequence(nextSeq), applied };
  const reports: StepReport[] = [];
  let irreversible = false;
  const fail = (failures: readonly [StepFailure, ...StepFailure[]]) =>
    failRun(failures, { irreversible, interrupted: signal.aborted }, execution, deps);
  for (const phase of playbook.phases) {
    const steps = await loadSteps(phase, signal).catch(async (error: unknown) => {
      // Changes of earlier phases are active by now, so the end of the run must be recorded.
      const failedPhase: FailedStep = { id: phase.id, reversible: 'yes' };
      throw await fail([toStepFailure(error, failedPhase)]);
    });
    if (steps.length > 0) deps.onEvent({ type: 'phase-started', phase: phase.id, title: phase.title });
    const failures: StepFailure[] = [];
    const mayStart = (): boolean => !signal.aborted && (failures.length === 0 || irreversible);
    const runStep = async (step: Step): Promise<boolean> => {
      if (!mayStart()) return false;
      try {
        const report = await executeStep(step, phase.id, context, deps);
        reports.push(report);
        if (report.result === 'done') applied.add(step.id);
        irreversible ||= report.result === 'done' && step.reversible === 'no';
        return true;
      } catch (error) {
        failures.push(toStepFailure(error, step));
        return false;
      }
    };
    const areAllDone =
      phase.isSideBySide === true ? await runSideBySide(steps, runStep) : await runInOrder(steps, runStep);
    const [first, ...others] = failures;
    if (first !== undefined) throw await fail([first, ...others]);
    if (!areAllDone) throw await endInterrupted(execution, deps);
  }
  return reports;
}

async function loadSteps(phase: Phase, signal: AbortSignal): Promise<readonly Step[]> {
  return phase.steps(signal);
}

/** Runs the steps until one is not done. */
async function runInOrder(steps: readonly Step[], run: (step: Step) => Promise<boolean>): Promise<boolean> {
  for (const step of steps) if (!(await run(step))) return false;
  return true;
}
