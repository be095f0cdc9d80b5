import { describeNextSteps, type ReportedChange, type ReportedStep, type RunReport } from '@kube-rescue/workflow';

/** What a report says beyond its journal: what follows from it for whoever takes over. */
export interface RunSummary extends RunReport {
  /** Objects that the run made for a while and has removed again. */
  readonly rescued: readonly string[];
  /** Objects that the run made and that stand; temporary ones among them must go when the real ones run. */
  readonly created: readonly string[];
  /** What is left to a person, most urgent first. */
  readonly remaining: readonly string[];
}

/** Adds what follows from a report. Pure. */
export function summarizeRun(report: RunReport): RunSummary {
  const { changes } = report;
  const made = changes.filter(({ kind, state }) => kind === 'object.create' && state === 'stands');
  const isGone = ({ target }: ReportedChange): boolean => {
    return changes.some(
      (change) => change.kind === 'object.delete' && change.target === target && change.state === 'stands',
    );
  };
  return {
    ...report,
    rescued: unique(made.filter(isGone)),
    created: unique(made.filter((change) => !isGone(change))),
    remaining: remainingOf(report),
  };
}

function remainingOf({ run, resumeCommand, outcome, reason, steps, changes }: RunReport): readonly string[] {
  const wayOn = describeNextSteps({ id: run, resumeCommand, outcome });
  const why = reason === undefined ? '' : `: ${reason}`;
  const ends: Readonly<Record<string, string>> = {
    'not-verified': `what was done stands, but was not seen to work${why}; then ${wayOn}`,
    interrupted: `the run was interrupted: ${wayOn}`,
    'rollback-incomplete': `not everything was taken back${why}: put back by hand what is marked as left, from the folder backup of the run`,
    'rolled-back': `everything was taken back, so what was wrong still is${why}`,
    none: `the run was cut off: ${wayOn}`,
  };
  const end = ends[outcome ?? 'none'];
  const isDone = outcome === 'done';
  return [
    ...(end === undefined ? [] : [end]),
    ...changes.filter(({ state }) => state === 'left').map(({ text, reason: left }) => `left: ${text}: ${left ?? ''}`),
    ...steps.flatMap(({ warnings }) => warnings),
    ...steps.flatMap((step) => (step.result === 'not-made' && !isDone ? [`not made: ${describeStep(step)}`] : [])),
    ...steps.flatMap((step) => (step.result === 'made' ? [`not seen to work: ${step.title}`] : [])),
    'the folder of the run may hold old private keys and Secrets: remove it once nobody will want to take the run back',
  ];
}

function describeStep({ title, summary, hint }: ReportedStep): string {
  return `${title}: ${summary}${hint === undefined ? '' : ` (${hint})`}`;
}

function unique(changes: readonly ReportedChange[]): readonly string[] {
  return [...new Set(changes.map(({ target }) => target))];
}
