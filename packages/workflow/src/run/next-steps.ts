import type { RunState } from './run-state.ts';

/** What a person does about a run that has not come to a good end: goes on with it, where that is possible, or takes it back. */
export function describeNextSteps({
  id,
  resumeCommand,
  outcome,
}: Pick<RunState, 'id' | 'resumeCommand' | 'outcome'>): string {
  const back = `take it back (rollback ${id})`;
  if (resumeCommand !== undefined) return `go on with it (${resumeCommand}) or ${back}`;
  // One that was cut off lets no other begin.
  return outcome === undefined ? back : `do the same again, or ${back}`;
}
