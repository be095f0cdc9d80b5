import { WorkflowError } from '../errors.ts';
import type { UndoOutcome } from '../plan/change.ts';
import type { FindingStatus } from '../plan/step.ts';
import { JOURNAL_VERSION, type JournalRecord, type RunOutcome } from './journal-record.ts';

/** The members of a closed union; the compiler demands each. */
const OUTCOMES = {
  done: true,
  'rolled-back': true,
  'rollback-incomplete': true,
  'not-verified': true,
  interrupted: true,
} as const satisfies Record<RunOutcome, true>;
const UNDO_STATES = { undone: true, already: true, foreign: true } as const satisfies Record<
  UndoOutcome['state'],
  true
>;
const STATUSES = { ok: true, needed: true, blocked: true, unknown: true } as const satisfies Record<
  FindingStatus,
  true
>;

type Fields = Readonly<Record<string, unknown>>;

/** `undefined`: the record is well-formed. `newer`: a later version may know its value. */
type Verdict = undefined | 'malformed' | { readonly newer: string };

/** Checks of each record type; the compiler demands one for each. */
const CHECKS: Readonly<Record<JournalRecord['type'], (fields: Fields) => Verdict>> = {
  run: (fields) => all(isText(fields['id']), isText(fields['playbook']), isText(fields['host']), isTime(fields['at'])),
  resumed: ({ at }) => all(isTime(at)),
  finding: ({ step, phase, title, status, summary, evidence, hint, at }) =>
    all(isText(step), isText(phase), isText(title), isText(summary), isTexts(evidence), isTime(at)) ??
    all(hint === undefined || isText(hint), isText(status)) ??
    known('finding status', status, STATUSES),
  step: ({ step, at }) => all(isText(step), isTime(at)),
  intent: ({ seq, step, unit, change, captured }) => {
    const fields = isFields(change) ? change : {};
    return all(
      isCount(seq),
      isText(step),
      isText(fields['kind']),
      isText(fields['target']),
      captured !== undefined,
      isOptionalText(unit),
    );
  },
  applied: ({ step, at }) => all(isText(step), isTime(at)),
  verified: ({ step, at, evidence = [], warnings = [] }) =>
    all(isText(step), isTime(at), isTexts(evidence), isTexts(warnings)),
  replaced: ({ seq, kept, at }) => all(isCount(seq), isText(kept), isTime(at)),
  undone: ({ seq, outcome, at }) => {
    const { state, reason } = isFields(outcome) ? outcome : {};
    return (
      all(isCount(seq), isTime(at), isText(state), state !== 'foreign' || isText(reason)) ??
      known('undo outcome', state, UNDO_STATES)
    );
  },
  end: ({ outcome, at, reason = '' }) =>
    all(isText(outcome), isTime(at), isText(reason)) ?? known('outcome', outcome, OUTCOMES),
};

/** The journal that a record is read from. */
export interface JournalSource {
  /** Path of the journal. */
  readonly subject: string;
  /** Version of the program that wrote it; `undefined` when it does not say so. */
  readonly tool?: string | undefined;
  readonly version?: number | undefined;
}

/**
 * Checks one record of a journal.
 * @throws WorkflowError `JOURNAL_CORRUPT`; `JOURNAL_NEWER` for a type or value that this version does not know
 */
export function checkRecord(fields: Fields, line: number, source: JournalSource): JournalRecord {
  const { type } = fields;
  const check =
    typeof type === 'string' && Object.hasOwn(CHECKS, type) ? CHECKS[type as JournalRecord['type']] : undefined;
  if (check === undefined && typeof type === 'string')
    throw isNewer(`line ${line} is a record of type ${type}`, source);
  const verdict = check?.(fields) ?? (check === undefined ? 'malformed' : undefined);
  if (verdict === 'malformed') throw isCorrupt(`line ${line} of the journal is not a record`, source.subject);
  if (verdict !== undefined) throw isNewer(`line ${line} has the ${verdict.newer}`, source);
  return fields as unknown as JournalRecord;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Parses one line as a JSON object; `undefined` when it is invalid. */
export function parseFields(line: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(UTF8.decode(line));
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const BY_HAND =
  'restore the old files by hand from the backup directory beside the journal, then move the directory of this run away; until then new runs are refused where its changes may be incomplete';

/** A line or the digest of the journal is wrong. */
export function isCorrupt(message: string, subject: string): WorkflowError {
  return new WorkflowError({ code: 'JOURNAL_CORRUPT', message, subject, hint: BY_HAND });
}

/** Records are missing: what is left would roll back only a part of the run. */
export function isLost(message: string, subject: string): WorkflowError {
  return new WorkflowError({
    code: 'JOURNAL_LOST',
    message: `${message}; nothing was rolled back`,
    subject,
    hint: `bring back journal.jsonl and head.json from another copy of this directory; or ${BY_HAND}`,
  });
}

/** The journal has something that only a later version can read. */
export function isNewer(what: string, { subject, tool, version }: JournalSource): WorkflowError {
  const writer = tool === undefined ? 'a newer kube-rescue' : `kube-rescue ${tool}`;
  const format = version === undefined ? '' : ` in journal version ${version}`;
  return new WorkflowError({
    code: 'JOURNAL_NEWER',
    message: `${what}, unknown to this version, which reads journals up to version ${JOURNAL_VERSION}; ${writer} wrote it${format}; nothing was changed`,
    subject,
    hint: `use ${tool === undefined ? 'the version of kube-rescue that made this run' : `kube-rescue ${tool}`} for it`,
  });
}

function all(...conditions: readonly boolean[]): Verdict {
  return conditions.every(Boolean) ? undefined : 'malformed';
}

function known(what: string, value: unknown, members: Readonly<Record<string, true>>): Verdict {
  return typeof value === 'string' && Object.hasOwn(members, value) ? undefined : { newer: `${what} ${String(value)}` };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
