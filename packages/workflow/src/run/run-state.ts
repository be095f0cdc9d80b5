import type { IntentRecord, JournalRecord, RunOutcome } from '../journal/journal-record.ts';
import type { StepId } from '../plan/step.ts';

/** What a journal says about its run. Pure: the same records always give the same state. */
export interface RunState {
  readonly id: string;
  readonly playbook: string;
  readonly host: string;
  readonly startedAt: string;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
  /** `undefined` while the run goes on, or after it was cut off. */
  readonly outcome: RunOutcome | undefined;
  readonly endedAt: string | undefined;
  /** Undo records that have not been replayed, in the order they were written. */
  readonly standing: readonly IntentRecord[];
  /** Undo records of steps that were cut off while they were being made. */
  readonly unfinished: readonly IntentRecord[];
  /** Steps that were made, but whose effect has not been verified. */
  readonly unverified: ReadonlySet<StepId>;
  /** Steps that were made and stand. */
  readonly made: ReadonlySet<StepId>;
  readonly nextSeq: number;
}

/** Folds a journal into the state of its run. */
export function deriveRunState(records: readonly JournalRecord[], id: string): RunState {
  const header = records.find((record) => record.type === 'run');
  const intents = new Map<number, IntentRecord>();
  const open = new Set<number>();
  const unverified = new Set<StepId>();
  const made = new Set<StepId>();
  let end: Extract<JournalRecord, { type: 'end' }> | undefined;
  let nextSeq = 0;
  for (const record of records) {
    if (record.type === 'intent') {
      intents.set(record.seq, record);
      open.add(record.seq);
      nextSeq = record.seq + 1;
    } else if (record.type === 'applied') {
      for (const seq of open) if (intents.get(seq)?.step === record.step) open.delete(seq);
      unverified.add(record.step);
      made.add(record.step);
    } else if (record.type === 'verified') {
      unverified.delete(record.step);
    } else if (record.type === 'undone' && record.outcome.state !== 'foreign') {
      intents.delete(record.seq);
      open.delete(record.seq);
    } else if (record.type === 'end') {
      end = record;
    } else if (record.type === 'resumed') {
      end = undefined;
    }
  }
  return {
    id,
    playbook: header?.playbook ?? 'unknown',
    host: header?.host ?? 'unknown',
    startedAt: header?.at ?? '',
    resumeCommand: header?.resumeCommand,
    outcome: end?.outcome,
    endedAt: end?.at,
    standing: [...intents.values()],
    unfinished: [...intents.values()].filter((intent) => open.has(intent.seq)),
    unverified,
    made,
    nextSeq,
  };
}
