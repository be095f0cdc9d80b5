import { describeError } from '@kube-rescue/errors';
import { kindOf } from '../plan/change-registry.ts';
import type { IntentRecord } from '../journal/journal-record.ts';
import { groupUnits, type Unit } from './units.ts';
import { unwindUnit } from './unwind-unit.ts';
import type { NotReverted, UnwindDeps, Unwound } from './unwound.ts';

const MAX_REASONS = 20;

/** Why changes could not be rolled back, each reason once: a failed store or disk gives the same reason many times. */
export function describeNotReverted(notReverted: readonly NotReverted[]): string {
  const reasons = [...new Set(notReverted.map(({ reason }) => reason))];
  const more = reasons.length - MAX_REASONS;
  const list = [...reasons.slice(0, MAX_REASONS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
  return reasons.length === notReverted.length ? list : `${notReverted.length} changes: ${list}`;
}

/**
 * Replays undo records unit by unit, newest first; files of watched directories come after all others, service restarts last: whatever
 * a watcher starts from a restored file finds the restored files that it names. A unit goes back as a whole or not at all: when
 * another process has changed one of its files since, the others stay too. Backs up the bytes that it replaces.
 *
 * Tries every unit, and returns the changes that could not be undone. Can be called again after an interruption.
 */
export async function unwind(intents: readonly IntentRecord[], deps: UnwindDeps): Promise<Unwound> {
  const { run, kinds, clock, onEvent } = deps;
  await run.releaseReserve();
  const isLast = ({ change }: IntentRecord): boolean => kindOf(kinds, change).undoOrder === 'last';
  const results: Unwound[] = [];
  const units = groupUnits(intents.filter((intent) => !isLast(intent)));
  for (const unit of units.toSorted((a, b) => Number(isWatched(a)) - Number(isWatched(b)))) {
    results.push(await unwindUnit(unit, deps));
  }
  for (const { seq, change, captured } of intents.filter(isLast).toSorted((a, b) => b.seq - a.seq)) {
    const kind = kindOf(kinds, change);
    const text = kind.describe(change);
    onEvent({ type: 'undo-started', change, text });
    try {
      const outcome = await kind.undo(change, captured, run.backup);
      await run.append({ type: 'undone', seq, outcome, at: clock.now().toISOString() });
      onEvent({ type: 'undo', change, text, state: outcome.state });
      if (outcome.state === 'foreign') results.push(left({ change, reason: outcome.reason }));
      else results.push({ undone: 1, notReverted: [], replaced: [] });
    } catch (error) {
      onEvent({ type: 'undo', change, text, state: 'failed' });
      results.push(left({ change, reason: describeError(error) }));
    }
  }
  return {
    undone: results.reduce((sum, { undone }) => sum + undone, 0),
    notReverted: results.flatMap(({ notReverted }) => notReverted),
    replaced: results.flatMap(({ replaced }) => replaced),
  };
}

function isWatched(unit: Unit): boolean {
  return unit.some(({ change }) => change['watched'] === true);
}

function left(notReverted: NotReverted): Unwound {
  return { undone: 0, notReverted: [notReverted], replaced: [] };
}
