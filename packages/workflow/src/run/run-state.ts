import type { IntentRecord, JournalRecord, RunOutcome } from '../journal/journal-record.ts';
import type { Json } from '../plan/change.ts';
import type { StepId } from '../plan/step.ts';

/** State of a run, derived from its journal. */
export interface RunState {
  readonly id: string;
  readonly playbook: string;
  readonly host: string;
  readonly startedAt: string;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
  /** `request` of `RunInput`; `undefined` in journals of earlier versions. */
  readonly input: Json | undefined;
  /** `undefined` while the run is active, or after it was interrupted. */
  readonly outcome: RunOutcome | undefined;
  readonly endedAt: string | undefined;
  /** Undo records that have not been replayed, in the order they were written. */
  readonly activeChanges: readonly IntentRecord[];
  /** Undo records of steps that were interrupted during apply. */
  readonly unfinished: readonly IntentRecord[];
  /** Steps that were applied but not verified. */
  readonly unverified: ReadonlySet<StepId>;
  /** Steps that were applied. */
  readonly applied: ReadonlySet<StepId>;
  readonly nextSeq: number;
}

/** Folds a journal into the state of its run. Pure. */
export function deriveRunState(records: readonly JournalRecord[], id: string): RunState {
  const header = records.find((record) => record.type === 'run');
  const intents = new Map<number, IntentRecord>();
  const open = new Set<number>();
  const unverified = new Set<StepId>();
  const applied = new Set<StepId>();
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
      applied.add(record.step);
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
    input: header?.input,
    outcome: end?.outcome,
    endedAt: end?.at,
    activeChanges: [...intents.values()],
    unfinished: [...intents.values()].filter((intent) => open.has(intent.seq)),
    unverified,
    applied,
    nextSeq,
  };
}
