import type { RunEntry, RunStore } from '../journal/run-store.ts';
import type { RunState } from './run-state.ts';

const RESUMABLE_OUTCOMES = ['interrupted', 'not-verified'];

/** The run that `--resume` resumes; `undefined` when there is none. Does not check its playbook. */
export async function findResumableRun(store: Pick<RunStore, 'survey'>): Promise<RunState | undefined> {
  return chooseResumable(await store.survey());
}

/** The newest run without an end, else the newest run when it was interrupted or not verified. */
export function chooseResumable(entries: readonly RunEntry[]): RunState | undefined {
  const unfinished = chooseUnfinished(entries);
  const newest = entries.at(-1)?.state;
  return unfinished ?? (RESUMABLE_OUTCOMES.includes(newest?.outcome ?? '') ? newest : undefined);
}

export function chooseUnfinished(entries: readonly RunEntry[]): RunState | undefined {
  return entries.findLast(({ state }) => state !== undefined && state.outcome === undefined)?.state;
}

/**
 * Refuses a run next to one whose changes may be incomplete: it would build on an unknown state.
 * @throws RecoveryError of the damaged journal: `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`, or a HostError
 */
export function assertNoneIncomplete(entries: readonly RunEntry[]): void {
  const damage = entries.findLast(({ damage: each }) => each?.mayBeIncomplete === true)?.damage;
  if (damage !== undefined) throw damage.error;
}
