import { createHash } from 'node:crypto';
import type { JournalRecord, RunHeader } from './journal-record.ts';
import { checkRecord, isCorrupt, isLost, isNewer, type JournalSource, parseFields } from './record-reading.ts';

/** The end of a journal: how many lines there are, and the SHA-256 of the last one. */
export interface ChainPosition {
  readonly records: number;
  readonly digest: string;
}

/** Before the first line. */
export const CHAIN_START: ChainPosition = { records: 0, digest: '0'.repeat(64) };

/** Lines for these records, each with its number and the digest of the line before it; and the new end. */
export function encodeRecords(
  records: readonly JournalRecord[],
  from: ChainPosition,
): { readonly data: Uint8Array; readonly end: ChainPosition } {
  const lines: Uint8Array[] = [];
  let end = from;
  for (const { type, ...fields } of records) {
    const line = Buffer.from(JSON.stringify({ type, n: end.records, prev: end.digest, ...fields }));
    lines.push(line, NEWLINE);
    end = { records: end.records + 1, digest: digestOf(line) };
  }
  return { data: Buffer.concat(lines), end };
}

/** Reads the lines of one journal, in order, and checks each against the one before it. */
export interface ChainReader {
  /**
   * @param line without its newline
   * @throws WorkflowError `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`
   */
  read(line: Uint8Array): JournalRecord;
  /** The end of what was read. */
  position(): ChainPosition;
}

/**
 * A reader for a journal of any version up to ours. Version 1 has no chain: its lines are accepted until the first chained
 * one, which a later version appended.
 */
export function createChainReader(subject: string): ChainReader {
  let end = CHAIN_START;
  let isChained = false;
  let source: JournalSource = { subject };
  const link = (n: unknown, prev: unknown, line: number): void => {
    const { records, digest } = end;
    if (typeof n === 'number' && n > records)
      throw isLost(`records before line ${line} are missing: ${n - records}`, subject);
    if (n !== records) throw isCorrupt(`line ${line} is out of order or repeated`, subject);
    if (prev !== digest) throw isCorrupt(`line ${line} does not follow the line before it: a line was edited`, subject);
  };
  return {
    position: () => end,
    read: (line) => {
      const number = end.records + 1;
      const fields = parseFields(line);
      if (fields === undefined) throw isCorrupt(`line ${number} of the journal is not a record`, subject);
      if (number === 1) {
        source = { subject, ...describeWriter(fields) };
        isChained = readVersion(fields, source) > 1;
      }
      isChained ||= 'n' in fields;
      const { n, prev, ...rest } = fields;
      if (isChained) link(n, prev, number);
      const record = checkRecord(rest, number, source);
      if ((record.type === 'run') !== (number === 1)) throw misplacedHeader(number, subject);
      end = { records: number, digest: digestOf(line) };
      return record;
    },
  };
}

/** The version that the first line names. A line of another type means that the first line is missing. */
function readVersion(
  { type, version }: Readonly<Record<string, unknown>>,
  source: JournalSource,
): RunHeader['version'] {
  if (type !== 'run') throw isLost('the first record of the journal is missing', source.subject);
  if (version === 1 || version === 2) return version;
  if (Number.isSafeInteger(version)) throw isNewer(`the journal has version ${String(version)}`, source);
  throw isCorrupt('the journal names no version', source.subject);
}

function describeWriter({ tool, version }: Readonly<Record<string, unknown>>): Omit<JournalSource, 'subject'> {
  return {
    tool: typeof tool === 'string' ? tool : undefined,
    version: typeof version === 'number' ? version : undefined,
  };
}

function misplacedHeader(line: number, subject: string): Error {
  return isCorrupt(`line ${line} begins another run`, subject);
}

const NEWLINE = Buffer.from('\n');

function digestOf(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}
