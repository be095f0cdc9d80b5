import type { RunState } from './run-state.ts';

/** What the operator does about a run that did not succeed: resume, where possible, or roll back. */
export function describeNextSteps({
  id,
  resumeCommand,
  outcome,
}: Pick<RunState, 'id' | 'resumeCommand' | 'outcome'>): string {
  const rollback = `roll it back (rollback ${id})`;
  if (resumeCommand !== undefined) return `resume it (${resumeCommand}) or ${rollback}`;
  // An interrupted run blocks every other run.
  return outcome === undefined ? rollback : `run the same command again, or ${rollback}`;
}
