import { describeNextSteps, type ReportedChange, type ReportedStep, type RunReport } from '@kube-rescue/workflow';

/** A run report with conclusions for the next operator. */
export interface RunSummary extends RunReport {
  /** Temporary objects that the run created and removed. */
  readonly rescued: readonly string[];
  /** Objects that the run created and that still exist; remove temporary ones when the real ones run. */
  readonly created: readonly string[];
  /** How long people waited for what, in one line; empty for a run that is no recovery. */
  readonly times: string;
  /** Remaining work for the operator, most urgent first. */
  readonly remaining: readonly string[];
}

/**
 * Adds conclusions to a report. Pure.
 * @param times how long people waited for what; see `describeRecoveryTimes`
 */
export function summarizeRun(report: RunReport, times = ''): RunSummary {
  const { changes } = report;
  const made = changes.filter(({ kind, state }) => kind === 'object.create' && state === 'active');
  const isGone = ({ target }: ReportedChange): boolean => {
    return changes.some(
      (change) => change.kind === 'object.delete' && change.target === target && change.state === 'active',
    );
  };
  return {
    ...report,
    times,
    rescued: unique(made.filter(isGone)),
    created: unique(made.filter((change) => !isGone(change))),
    remaining: remainingOf(report),
  };
}

function remainingOf(report: RunReport): readonly string[] {
  const { run, resumeCommand, outcome, reason, steps, changes } = report;
  const nextSteps = describeNextSteps({ id: run, resumeCommand, outcome }, report);
  const why = reason === undefined ? '' : `: ${reason}`;
  const ends: Readonly<Record<string, string>> = {
    'not-verified': `the changes are active but not verified${why}; then ${nextSteps}`,
    interrupted: `the run was interrupted: ${nextSteps}`,
    'rollback-incomplete': `the rollback is incomplete${why}: restore the changes marked "not rolled back" by hand, from the backup directory of the run`,
    'rolled-back': `every change was rolled back; the problems found are not fixed${why}`,
    none: `the run was interrupted: ${nextSteps}`,
  };
  const end = ends[outcome ?? 'none'];
  const isDone = outcome === 'done';
  return [
    ...(end === undefined ? [] : [end]),
    ...changes
      .filter(({ state }) => state === 'not-reverted')
      .map(({ text, reason: cause }) => `not rolled back: ${text}: ${cause ?? ''}`),
    ...steps.flatMap(({ warnings }) => warnings),
    ...steps.flatMap((step) =>
      step.result === 'not-applied' && !isDone ? [`not applied: ${describeStep(step)}`] : [],
    ),
    ...steps.flatMap((step) => (step.result === 'applied' ? [`not verified: ${step.title}`] : [])),
    'the directory of the run may contain old private keys and Secrets: remove it when no rollback is needed any more',
  ];
}

function describeStep({ title, summary, hint }: ReportedStep): string {
  return `${title}: ${summary}${hint === undefined ? '' : ` (${hint})`}`;
}

function unique(changes: readonly ReportedChange[]): readonly string[] {
  return [...new Set(changes.map(({ target }) => target))];
}
