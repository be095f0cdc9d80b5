import { describeError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { Change, UndoOutcome } from '../plan/change.ts';
import { type ChangeRegistry, kindOf } from '../plan/change-registry.ts';
import type { WorkflowListener } from './events.ts';
import type { IntentRecord } from '../journal/journal-record.ts';
import type { RunDirectory } from '../journal/run-directory.ts';

/** A change that could not be rolled back, and why. */
export interface NotReverted {
  readonly change: Change;
  readonly reason: string;
}

const MAX_REASONS = 20;

/** Why changes could not be rolled back, each reason once: a failed store or disk gives the same reason many times. */
export function describeNotReverted(notReverted: readonly NotReverted[]): string {
  const reasons = [...new Set(notReverted.map(({ reason }) => reason))];
  const more = reasons.length - MAX_REASONS;
  const list = [...reasons.slice(0, MAX_REASONS), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
  return reasons.length === notReverted.length ? list : `${notReverted.length} changes: ${list}`;
}

/**
 * Replays undo records, newest first; service restarts come last. Tries every record, and
 * returns the ones that could not be undone. Can be called again after an interruption.
 */
export async function unwind(
  intents: readonly IntentRecord[],
  deps: {
    readonly run: RunDirectory;
    readonly kinds: ChangeRegistry;
    readonly clock: Clock;
    readonly onEvent: WorkflowListener;
  },
): Promise<readonly NotReverted[]> {
  const { run, kinds, clock, onEvent } = deps;
  await run.releaseReserve();
  const newestFirst = intents.toSorted((a, b) => b.seq - a.seq);
  const isLast = (intent: IntentRecord): boolean => kindOf(kinds, intent.change).undoOrder === 'last';
  const ordered = [...newestFirst.filter((intent) => !isLast(intent)), ...newestFirst.filter(isLast)];
  const notReverted: NotReverted[] = [];
  for (const { seq, change, captured } of ordered) {
    const kind = kindOf(kinds, change);
    const text = kind.describe(change);
    if (kind.undoOrder === 'last') onEvent({ type: 'undo-started', change, text });
    try {
      const outcome: UndoOutcome = await kind.undo(change, captured, run.backup);
      await run.append({ type: 'undone', seq, outcome, at: clock.now().toISOString() });
      if (outcome.state === 'foreign') notReverted.push({ change, reason: outcome.reason });
      onEvent({ type: 'undo', change, text, state: outcome.state });
    } catch (error) {
      notReverted.push({ change, reason: describeError(error) });
      onEvent({ type: 'undo', change, text, state: 'failed' });
    }
  }
  return notReverted;
}
