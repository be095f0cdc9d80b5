import type { HostFiles, HostPath } from '@kube-rescue/host';
import { joinPath } from '@kube-rescue/host';
import { createChainReader, type ChainPosition } from './journal-chain.ts';
import type { JournalRecord } from './journal-record.ts';
import { isCorrupt, isLost, parseFields } from './record-reading.ts';

const NEWLINE = 0x0a;
/** Bytes of one read. */
const PIECE_BYTES = 1024 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;
const KEPT = /^([0-9a-f]{64})(?:\.sealed)?$/;

/** The end mark of a journal, in `head.json` beside it: what had been written before the latest action began. */
export interface JournalHead extends ChainPosition {
  /** As in the header. Absent for a run that version 1 began. */
  readonly number?: number | undefined;
}

/** The paths in the directory of a run. */
export interface RunPaths {
  readonly journal: HostPath;
  readonly head: HostPath;
  readonly backup: HostPath;
}

export function runPathsIn(directory: HostPath): RunPaths {
  return {
    journal: joinPath(directory, 'journal.jsonl'),
    head: joinPath(directory, 'head.json'),
    backup: joinPath(directory, 'backup'),
  };
}

type Reads = Pick<HostFiles, 'readFile' | 'readRange' | 'list'>;

/** What a journal is, beside its records. */
export interface JournalEnd {
  readonly position: ChainPosition;
  /** Bytes of the complete lines. */
  readonly bytes: number;
  /** Bytes of the torn last line; the run was killed while writing it, and the recorded action had not begun. */
  readonly tornBytes: number;
  readonly head: JournalHead | undefined;
}

/**
 * Reads the records of a run one by one, so that the journal may have any size, and checks that none is missing.
 *
 * A torn last line is dropped. A run that was killed before it began has no records.
 * @param onRecord called for each record, before the end is checked
 * @throws WorkflowError `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`; HostError
 */
export async function readJournal(
  paths: RunPaths,
  host: Reads,
  onRecord: (record: JournalRecord) => void,
): Promise<JournalEnd> {
  const head = await readHead(paths.head, host);
  const reader = createChainReader(paths.journal);
  const version1 = createVersion1Check(paths.journal);
  let isVersion1 = false;
  let isHeadReached = head === undefined || head.records === 0;
  let bytes = 0;
  let tornBytes = 0;
  for await (const { line, isWhole } of readLines(paths.journal, host)) {
    if (!isWhole) {
      tornBytes = line.length;
      break;
    }
    const record = reader.read(line);
    if (record.type === 'run') isVersion1 = record.version === 1;
    const position = reader.position();
    if (position.records === head?.records) {
      if (position.digest !== head.digest) {
        throw isCorrupt(`line ${position.records} of the journal was edited`, paths.journal);
      }
      isHeadReached = true;
    }
    if (isVersion1 && head === undefined) version1.add(record, line);
    onRecord(record);
    bytes += line.length + 1;
  }
  const position = reader.position();
  if (!isHeadReached && head !== undefined) throw isShort(position, head, paths.journal);
  if (head === undefined || head.records === 0)
    await assertExplained(paths, position, { head, isVersion1, version1 }, host);
  return { position, bytes, tornBytes, head };
}

/** Without an end mark, or with that of a run that had not begun, the backup directory shows what is missing. */
async function assertExplained(
  { journal, backup }: RunPaths,
  { records }: ChainPosition,
  found: {
    readonly head: JournalHead | undefined;
    readonly isVersion1: boolean;
    readonly version1: ReturnType<typeof createVersion1Check>;
  },
  host: Reads,
): Promise<void> {
  const kept = ((await host.list(backup)) ?? []).flatMap((name) => KEPT.exec(name)?.[1] ?? []);
  if (found.isVersion1) return found.version1.assertComplete(kept);
  if (records > 0 && found.head === undefined)
    throw isLost('head.json, the end mark of the journal, is missing', journal);
  if (kept.length === 0) return;
  const left = records === 0 ? 'the journal is lost' : 'the journal ends before the first change';
  throw isLost(`${left}, and its backup directory has ${kept.length} files`, journal);
}

/**
 * Journals of version 1 have neither chain nor end mark. Undo records are numbered without gaps, and every file of the backup
 * belongs to one, unless the run was rolled back.
 */
function createVersion1Check(subject: string) {
  const seqs = new Set<number>();
  const referenced = new Set<string>();
  let isRolledBack = false;
  return {
    add: (record: JournalRecord, line: Uint8Array): void => {
      if (record.type === 'intent') {
        if (seqs.has(record.seq)) throw isCorrupt(`undo record ${record.seq} is repeated`, subject);
        if (record.seq > seqs.size) throw isLost(`undo record ${seqs.size} is missing`, subject);
        seqs.add(record.seq);
      }
      if (record.type === 'undone' && !seqs.has(record.seq))
        throw isLost(`undo record ${record.seq} is missing`, subject);
      if (record.type === 'intent' || record.type === 'undone') {
        // The line itself: writing it again would follow its nesting, which a damaged journal can make as deep as it likes.
        for (const [name] of new TextDecoder().decode(line).matchAll(/\b[0-9a-f]{64}\b/g)) referenced.add(name);
      }
      isRolledBack = record.type === 'end' && record.outcome === 'rolled-back';
    },
    assertComplete: (kept: readonly string[]): void => {
      const unexplained = kept.filter((name) => !referenced.has(name));
      if (isRolledBack || unexplained.length === 0) return;
      throw isLost(
        `${unexplained.length} files of the backup directory belong to no undo record of the journal`,
        subject,
      );
    },
  };
}

function isShort({ records }: ChainPosition, head: JournalHead, subject: string): Error {
  if (records === 0) return isLost(`the journal is lost: it had ${head.records} records`, subject);
  return isLost(`the journal is short: ${records} of ${head.records} records are left`, subject);
}

/** @throws WorkflowError `JOURNAL_CORRUPT` */
export async function readHead(path: HostPath, host: Pick<HostFiles, 'readFile'>): Promise<JournalHead | undefined> {
  const data = await host.readFile(path);
  if (data === undefined) return undefined;
  const { records, digest, number } = parseFields(data) ?? {};
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (
    isCount(records) &&
    typeof digest === 'string' &&
    DIGEST.test(digest) &&
    (number === undefined || isCount(number))
  ) {
    return { records, digest, number };
  }
  throw isCorrupt('the end mark of the journal is damaged', path);
}

export function encodeHead({ number, records, digest }: JournalHead): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ number, records, digest })}\n`);
}

/** The lines of a file of any size, without newlines; the last one is not whole when it lacks its newline. */
export async function* readLines(
  path: HostPath,
  host: Pick<HostFiles, 'readRange'>,
): AsyncGenerator<{ readonly line: Uint8Array; readonly isWhole: boolean }> {
  let pending: Uint8Array[] = [];
  for await (const piece of readPieces(path, host, Number.POSITIVE_INFINITY)) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, end);
      yield { line: pending.length === 0 ? rest : Buffer.concat([...pending, rest]), isWhole: true };
      pending = [];
      start = end + 1;
    }
    if (start < piece.length) pending.push(piece.subarray(start));
  }
  if (pending.length > 0) yield { line: Buffer.concat(pending), isWhole: false };
}

/** The first `bytes` of a file, in pieces. */
export async function* readPieces(
  path: HostPath,
  host: Pick<HostFiles, 'readRange'>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes; ) {
    const piece = await host.readRange(path, { offset, length: Math.min(PIECE_BYTES, bytes - offset) });
    if (piece === undefined || piece.length === 0) return;
    yield piece;
    offset += piece.length;
  }
}
