import type { IntentRecord, JournalRecord, RunHeader, RunOutcome } from '../journal/journal-record.ts';
import type { Json } from '../plan/change.ts';
import type { StepId } from '../plan/step.ts';

/** State of a run, derived from its journal. */
export interface RunState {
  readonly id: string;
  readonly playbook: string;
  readonly host: string;
  readonly startedAt: string;
  /** The first record; `undefined` when the run was killed before it began. */
  readonly header: RunHeader | undefined;
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
  /** Steps that were applied, with the time of it (ISO 8601). */
  readonly applied: ReadonlyMap<StepId, string>;
  readonly nextSeq: number;
}

/** Folds a journal into the state of its run. Pure. */
export function deriveRunState(records: readonly JournalRecord[], id: string): RunState {
  const fold = createRunStateFold(id);
  for (const record of records) fold.add(record);
  return fold.state();
}

/** As {@link deriveRunState}, record by record: keeps only what is active. */
export interface RunStateFold {
  add(record: JournalRecord): void;
  state(): RunState;
}

export function createRunStateFold(id: string): RunStateFold {
  const intents = new Map<number, IntentRecord>();
  const open = new Map<StepId, Set<number>>();
  const unverified = new Set<StepId>();
  const applied = new Map<StepId, string>();
  let header: RunHeader | undefined;
  let end: Extract<JournalRecord, { type: 'end' }> | undefined;
  let nextSeq = 0;
  const add = (record: JournalRecord): void => {
    if (record.type === 'run') {
      header ??= record;
    } else if (record.type === 'intent') {
      intents.set(record.seq, record);
      open.set(record.step, (open.get(record.step) ?? new Set()).add(record.seq));
      nextSeq = Math.max(nextSeq, record.seq + 1);
    } else if (record.type === 'applied') {
      open.delete(record.step);
      unverified.add(record.step);
      applied.set(record.step, record.at);
    } else if (record.type === 'verified') {
      unverified.delete(record.step);
    } else if (record.type === 'undone' && record.outcome.state !== 'foreign') {
      const step = intents.get(record.seq)?.step;
      intents.delete(record.seq);
      if (step !== undefined) open.get(step)?.delete(record.seq);
    } else if (record.type === 'end') {
      end = record;
    } else if (record.type === 'resumed') {
      end = undefined;
    }
  };
  return {
    add,
    state: () => ({
      id,
      playbook: header?.playbook ?? 'unknown',
      host: header?.host ?? 'unknown',
      startedAt: header?.at ?? '',
      header,
      resumeCommand: header?.resumeCommand,
      input: header?.input,
      outcome: end?.outcome,
      endedAt: end?.at,
      activeChanges: [...intents.values()],
      unfinished: [...intents.values()].filter(({ seq, step }) => open.get(step)?.has(seq) === true),
      unverified,
      applied,
      nextSeq,
    }),
  };
}
