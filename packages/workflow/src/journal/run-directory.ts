import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { createRunStateFold, type RunState } from '../run/run-state.ts';
import { createBackupDirectory, type OpenableBackup } from './backup-directory.ts';
import type { BackupSeal } from './backup-seal.ts';
import { type ChainPosition, CHAIN_START, encodeRecords } from './journal-chain.ts';
import { encodeHead, type JournalEnd, readHead, readJournal, readPieces, runPathsIn } from './journal-file.ts';
import type { JournalRecord } from './journal-record.ts';

const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const RESERVE = 'reserve';
/** Disk space for the temporary file of one undo and for the records of all; frees one inode too. */
const RESERVE_BYTES = 1024 * 1024;

/** One run's directory: `journal.jsonl`, its end mark `head.json`, `backup/`, and `reserve` during the run. */
export interface RunDirectory {
  readonly id: string;
  readonly path: HostPath;
  readonly backup: OpenableBackup;
  /**
   * Adds records in one write, fsynced before it returns, and moves the end mark behind them. Removes a torn last line first.
   * Concurrent calls are written one after the other, in the order of the calls.
   * @throws WorkflowError as {@link RunDirectory.records}; HostError
   */
  append(...records: readonly JournalRecord[]): Promise<void>;
  /**
   * Writes the end mark of a run of version 1, which has none: the backup directory can no longer show what is missing once
   * a rollback adds to it.
   */
  markEnd(): Promise<void>;
  /** Frees the disk space reserved at the start of the run, so that changes can be rolled back on a full disk. */
  releaseReserve(): Promise<void>;
  /**
   * The records of the journal, in order. Needs memory for all of them; {@link RunDirectory.state} does not.
   * @throws WorkflowError `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`
   */
  records(): Promise<readonly JournalRecord[]>;
  /** @throws WorkflowError `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER` */
  state(): Promise<RunState>;
}

/** A run directory as the store creates it. */
export interface NewRunDirectory extends RunDirectory {
  /** Creates the directory with everything but the journal. */
  prepare(number: number): Promise<void>;
}

export function openRunDirectory(host: Host, path: HostPath, id: string, seal: BackupSeal): NewRunDirectory {
  const paths = runPathsIn(path);
  const { journal, head: headPath, backup } = paths;
  // Where the next record goes; `undefined` before the first write, and after a write that failed.
  let position: ChainPosition | undefined;
  let number: number | undefined;
  let hasHead = false;
  const writeHead = async (end: ChainPosition): Promise<void> => {
    await host.writeFile(headPath, encodeHead({ number, ...end }), { mode: PRIVATE_FILE_MODE, isOwn: true });
    hasHead = true;
  };
  const read = (onRecord: (record: JournalRecord) => void): Promise<JournalEnd> => readJournal(paths, host, onRecord);
  const repair = async (): Promise<ChainPosition> => {
    const end = await read(() => undefined);
    number = end.head?.number;
    hasHead = end.head !== undefined;
    if (end.tornBytes > 0) {
      // The shortened copy needs the space that the reserve keeps.
      await releaseReserve();
      await host.writeFileFrom(journal, readPieces(journal, host, end.bytes), { mode: PRIVATE_FILE_MODE });
    }
    return end.position;
  };
  const releaseReserve = (): Promise<void> => host.remove(joinPath(path, RESERVE));
  return {
    id,
    path,
    backup: createBackupDirectory(host, backup, seal),
    prepare: async (newNumber) => {
      await host.makeDirectory(backup, { mode: PRIVATE_DIRECTORY_MODE });
      await host.writeFile(joinPath(path, RESERVE), new Uint8Array(RESERVE_BYTES), { mode: PRIVATE_FILE_MODE });
      number = newNumber;
      await writeHead(CHAIN_START);
      position = CHAIN_START;
    },
    append: inTurn(async (...added) => {
      const { data, end } = encodeRecords(added, position ?? (await repair()));
      position = undefined;
      await host.appendFile(journal, data, { mode: PRIVATE_FILE_MODE });
      if (added.some(isMarked)) await writeHead(end);
      position = end;
    }),
    markEnd: async () => {
      position ??= await repair();
      if (hasHead) return;
      await releaseReserve();
      await writeHead(position);
    },
    releaseReserve,
    records: async () => {
      const records: JournalRecord[] = [];
      await read((record) => records.push(record));
      return records;
    },
    state: async () => {
      const fold = createRunStateFold(id);
      await read((record) => fold.add(record));
      return fold.state();
    },
  };
}

/** Runs the calls of an action one after the other; a failed call does not hold up the next. */
function inTurn<A extends readonly unknown[]>(action: (...input: A) => Promise<void>): (...input: A) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (...input) => {
    const turn = last.then(() => action(...input));
    last = turn.catch(() => undefined);
    return turn;
  };
}

/**
 * Whether losing a record would lose more than a repetition. The first record begins nothing, and an undo that is not
 * recorded finds the old state in effect: for these the end mark waits for the next record.
 */
function isMarked({ type }: JournalRecord): boolean {
  return type !== 'run' && type !== 'undone';
}

/** The number of a run, from its end mark. @throws WorkflowError `JOURNAL_CORRUPT` */
export async function readRunNumber(path: HostPath, host: Pick<Host, 'readFile'>): Promise<number | undefined> {
  return (await readHead(runPathsIn(path).head, host))?.number;
}
