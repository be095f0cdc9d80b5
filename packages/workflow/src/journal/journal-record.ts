import type { Change, Json, UndoOutcome } from '../plan/change.ts';
import type { FindingStatus, StepId } from '../plan/step.ts';

/** How a run ended. A run without an end was interrupted. */
export type RunOutcome = 'done' | 'rolled-back' | 'rollback-incomplete' | 'not-verified' | 'interrupted';

/** The newest format that this version writes and reads. */
export const JOURNAL_VERSION = 2;

/** The files of one flag or argument, as they were when the run began. */
export interface RecordedInput {
  /** For example `--certs`. */
  readonly flag: string;
  /** Absolute path of a file or directory on the operator's machine. */
  readonly path: string;
  /** SHA-256 of each file by its name below `path`; the file itself has the name `.`. */
  readonly files: Readonly<Record<string, string>>;
}

/** How a run was started, without key material: paths and digests only. */
export interface RunOrigin {
  /** The words of the command: `certs`, `rotate-ca`, `cluster`. */
  readonly command: readonly string[];
  /** Every flag that shapes the run, with its effective value; paths are absolute. */
  readonly flags: Readonly<Record<string, Json>>;
  readonly inputs: readonly RecordedInput[];
  /** Version of the program. */
  readonly tool: string;
}

/** The first record of a journal. */
export interface RunHeader extends Partial<RunOrigin> {
  readonly type: 'run';
  readonly version: 1 | 2;
  readonly id: string;
  /** Position among the runs of the host, from 1. Absent in version 1, as is everything below. */
  readonly number?: number | undefined;
  readonly playbook: string;
  readonly host: string;
  /** Root directory of the copy that was changed; `null` on a live machine. */
  readonly root?: string | null | undefined;
  readonly at: string;
  /** Public recipients of the encrypted backups; empty when they are not encrypted. */
  readonly seal?: readonly string[] | undefined;
  /** As in `RunInput`. Absent in the oldest journals of version 1, as is `input`. */
  readonly resumeCommand?: string | undefined;
  /** `request` of `RunInput`. */
  readonly input?: Json | undefined;
}

/** One line of a run's journal. Written and fsynced before the action that it records, or right after. */
export type JournalRecord =
  | RunHeader
  | { readonly type: 'resumed'; readonly at: string }
  | FindingRecord
  | { readonly type: 'step'; readonly step: StepId; readonly at: string }
  | {
      readonly type: 'intent';
      readonly seq: number;
      readonly step: StepId;
      /** Changes with the same unit are rolled back as a whole or not at all. Absent in journals of earlier versions. */
      readonly unit?: string | undefined;
      readonly change: Change;
      readonly captured: Json;
    }
  | { readonly type: 'applied'; readonly step: StepId; readonly at: string }
  | {
      readonly type: 'verified';
      readonly step: StepId;
      readonly at: string;
      /** Absent in the oldest journals, as are the warnings. */
      readonly evidence?: readonly string[] | undefined;
      readonly warnings?: readonly string[] | undefined;
    }
  /** Before the undo of a change: where the bytes that it replaces are kept. No decision reads it. */
  | {
      readonly type: 'replaced';
      readonly seq: number;
      /** The name of the bytes in the backup directory. */
      readonly kept: string;
      readonly at: string;
    }
  | { readonly type: 'undone'; readonly seq: number; readonly outcome: UndoOutcome; readonly at: string }
  | {
      readonly type: 'end';
      readonly outcome: RunOutcome;
      readonly at: string;
      /** Why the run failed. Absent in the oldest journals. */
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
