import { isObjectChange } from '../run/units.ts';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import { WorkflowError } from '../errors.ts';
import { type ChangeRegistry, kindOf } from '../plan/change-registry.ts';
import { sha256 } from '../plan/digest.ts';
import type { WorkflowListener } from '../run/events.ts';
import type { Change, WhileWaiting } from '../plan/change.ts';
import type { IntentRecord, JournalRecord } from './journal-record.ts';
import { mapConcurrent } from '../run/concurrency.ts';
import type { RunDirectory } from './run-directory.ts';
import type { Step, StepJournal } from '../plan/step.ts';

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
  { id: step, unit }: Pick<Step, 'id' | 'unit'>,
  deps: {
    readonly run: RunDirectory;
    readonly kinds: ChangeRegistry;
    readonly sequence: Sequence;
    readonly clock: Clock;
    readonly onEvent: WorkflowListener;
    readonly whileWaiting: WhileWaiting;
  },
): StepJournal {
  const { run, kinds, sequence, clock, onEvent, whileWaiting } = deps;
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
      const numbered = kept.map((each) => ({ seq: sequence.next(), ...each }));
      const together = unit ?? `${step} ${numbered[0]?.seq ?? 0}`;
      const intents = numbered.map((each): IntentRecord => {
        const isAlone = unit === undefined && isObjectChange(each.change);
        return { type: 'intent', step, unit: isAlone ? `${step} ${each.seq}` : together, ...each };
      });
      // In parts: the number of arguments of a call is limited, that of changes is not.
      for (let from = 0; from < intents.length; from += PART) await run.append(...intents.slice(from, from + PART));
      for (const [index, { change, material }] of edits.entries()) {
        const kind = kindOf(kinds, change);
        try {
          await kind.apply(change, material, whileWaiting);
        } catch (error) {
          if (isRecoveryError(error, 'PLAN_STALE')) await recordNotMade(intents.slice(index), run, clock);
          throw error;
        }
        onEvent({ type: 'change-made', step, change, text: kind.describe(change) });
      }
    },
    waitingFor: (reason) => onEvent({ type: 'step-waiting', step, reason }),
  };
}

/** What another process wrote meanwhile is not on top of this run: it does not keep the rest of the unit from going back. */
async function recordNotMade(intents: readonly IntentRecord[], run: RunDirectory, clock: Clock): Promise<void> {
  const at = clock.now().toISOString();
  await run.append(
    ...intents.map(({ seq }): JournalRecord => ({ type: 'undone', seq, outcome: { state: 'already' }, at })),
  );
}

function stale({ target }: Change, reason: string): WorkflowError {
  return new WorkflowError({
    code: 'PLAN_STALE',
    message: `nothing was written: ${reason}`,
    subject: target,
    hint: 'another process is writing here; find it, then plan again',
  });
}
