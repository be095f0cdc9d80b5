import { WorkflowError } from '../errors.ts';
import { type ChangeRegistry, kindOf } from '../plan/change-registry.ts';
import { sha256 } from '../plan/digest.ts';
import type { WorkflowListener } from '../run/events.ts';
import type { Change } from '../plan/change.ts';
import type { IntentRecord } from './journal-record.ts';
import { mapConcurrent } from '../run/concurrency.ts';
import type { RunDirectory } from './run-directory.ts';
import type { StepId, StepJournal } from '../plan/step.ts';

/** Numbers undo records; one sequence per run. */
export interface Sequence {
  next(): number;
}

export function createSequence(first: number): Sequence {
  let value = first;
  return { next: () => value++ };
}

/** Edits checked and backed up at a time. */
const CONCURRENCY = 16;
/** Undo records written at a time. */
const PART = 10_000;

/** The journal of one step of a run: records every undo, fsynced, before the first write of a unit. */
export function openStepJournal(
  step: StepId,
  deps: {
    readonly run: RunDirectory;
    readonly kinds: ChangeRegistry;
    readonly sequence: Sequence;
    readonly onEvent: WorkflowListener;
  },
): StepJournal {
  const { run, kinds, sequence, onEvent } = deps;
  return {
    perform: async (edits) => {
      await mapConcurrent(edits, CONCURRENCY, async ({ change }) => {
        const reason = await kindOf(kinds, change).staleness(change);
        if (reason !== undefined) throw stale(change, reason);
      });
      // Nothing is changed yet, so backups may overlap: the disk syncs many as fast as one.
      const kept = await mapConcurrent(edits, CONCURRENCY, async ({ change, material }) => {
        const after = material === undefined ? undefined : sha256(material);
        return { change, captured: await kindOf(kinds, change).capture(change, after, run.backup, material) };
      });
      const intents = kept.map((each): IntentRecord => ({ type: 'intent', seq: sequence.next(), step, ...each }));
      // In parts: the number of arguments of a call is limited, that of changes is not.
      for (let from = 0; from < intents.length; from += PART) await run.append(...intents.slice(from, from + PART));
      for (const { change, material } of edits) {
        const kind = kindOf(kinds, change);
        await kind.apply(change, material);
        onEvent({ type: 'change-made', step, change, text: kind.describe(change) });
      }
    },
    waitingFor: (reason) => onEvent({ type: 'step-waiting', step, reason }),
  };
}

function stale({ target }: Change, reason: string): WorkflowError {
  return new WorkflowError({
    code: 'PLAN_STALE',
    message: `nothing was written: ${reason}`,
    subject: target,
    hint: 'another process is writing here; find it, then plan again',
  });
}
