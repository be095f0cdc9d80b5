import type { Change, Json, UndoOutcome } from '../plan/change.ts';
import { WorkflowError } from '../errors.ts';
import type { FindingStatus, StepId } from '../plan/step.ts';

/** How a run ended. A run without an end was interrupted. */
export type RunOutcome = 'done' | 'rolled-back' | 'rollback-incomplete' | 'not-verified' | 'interrupted';

/** One line of a run's journal. Written and fsynced before the action that it records, or right after. */
export type JournalRecord =
  | {
      readonly type: 'run';
      readonly version: 1;
      readonly id: string;
      readonly playbook: string;
      readonly host: string;
      readonly at: string;
      /** As in `RunInput`. Absent in journals of earlier versions. */
      readonly resumeCommand?: string | undefined;
      /** `request` of `RunInput`. Absent in journals of earlier versions. */
      readonly input?: Json | undefined;
    }
  | { readonly type: 'resumed'; readonly at: string }
  | FindingRecord
  | { readonly type: 'step'; readonly step: StepId; readonly at: string }
  | {
      readonly type: 'intent';
      readonly seq: number;
      readonly step: StepId;
      readonly change: Change;
      readonly captured: Json;
    }
  | { readonly type: 'applied'; readonly step: StepId; readonly at: string }
  | {
      readonly type: 'verified';
      readonly step: StepId;
      readonly at: string;
      /** Absent in journals of earlier versions, as are the warnings. */
      readonly evidence?: readonly string[] | undefined;
      readonly warnings?: readonly string[] | undefined;
    }
  | { readonly type: 'undone'; readonly seq: number; readonly outcome: UndoOutcome; readonly at: string }
  | {
      readonly type: 'end';
      readonly outcome: RunOutcome;
      readonly at: string;
      /** Why the run failed. Absent in journals of earlier versions. */
      readonly reason?: string | undefined;
    };

/** The finding of a step with work to do, for the report; without key material. No decision reads it. */
export interface FindingRecord {
  readonly type: 'finding';
  readonly step: StepId;
  readonly phase: string;
  readonly title: string;
  readonly status: FindingStatus;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly hint?: string | undefined;
  readonly at: string;
}

export type IntentRecord = Extract<JournalRecord, { type: 'intent' }>;

/** One journal line, with its newline. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record)}\n`);
}

/**
 * Reads a journal. A torn last line is dropped: the run was interrupted while writing it, and the recorded action had not
 * begun.
 *
 * @throws WorkflowError `JOURNAL_CORRUPT` when any other line is not a record
 */
export function decodeJournal(text: string, subject: string): readonly JournalRecord[] {
  const lines = text.split('\n');
  lines.pop(); // Empty after a complete last line, torn otherwise.
  return lines.map((line, index) => {
    const record = parseRecord(line);
    if (record !== undefined) return record;
    throw new WorkflowError({
      code: 'JOURNAL_CORRUPT',
      message: `line ${index + 1} of the journal is not a record`,
      subject,
      hint: 'restore the old files by hand from the backup directory beside the journal, then move the directory of this run away: until then no run can begin',
    });
  });
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isRecord = typeof value === 'object' && value !== null && 'type' in value;
    return isRecord ? (value as JournalRecord) : undefined;
  } catch {
    return undefined;
  }
}
