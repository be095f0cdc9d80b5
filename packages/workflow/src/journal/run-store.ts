import type { Json } from '../plan/change.ts';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { createBackupDirectory, type OpenableBackup } from './backup-directory.ts';
import type { BackupSeal } from './backup-seal.ts';
import { WorkflowError } from '../errors.ts';
import { decodeJournal, encodeRecord, type JournalRecord } from './journal-record.ts';
import { deriveRunState, type RunState } from '../run/run-state.ts';

/** Default directory of runs on the host. */
export const RUNS_DIRECTORY = hostPath('/var/lib/kube-rescue/runs');

const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const NEWLINE = 0x0a;
const RESERVE = 'reserve';
/** Disk space for the temporary file of one undo and for the records of all; frees one inode too. */
const RESERVE_BYTES = 1024 * 1024;
const RUN_ID = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;

/** One run's directory: `journal.jsonl`, `backup/`, and `reserve` during the run. */
export interface RunDirectory {
  readonly id: string;
  readonly path: HostPath;
  readonly backup: OpenableBackup;
  /** Adds records in one write, fsynced before it returns. */
  append(...records: readonly JournalRecord[]): Promise<void>;
  /** Frees the disk space reserved at the start of the run, so that changes can be rolled back on a full disk. */
  releaseReserve(): Promise<void>;
  /** Removes a torn last line, so that records can be appended again after a kill. */
  repair(): Promise<void>;
  /** The records of the journal, in order. @throws WorkflowError `JOURNAL_CORRUPT` */
  records(): Promise<readonly JournalRecord[]>;
  /** @throws WorkflowError `JOURNAL_CORRUPT` */
  state(): Promise<RunState>;
}

/** The runs of one host. */
export interface RunStore {
  readonly directory: HostPath;
  /** Creates the directory of a new run; its id sorts by time, for example `20261122T111800Z-1f3a`. */
  create(header: {
    readonly playbook: string;
    readonly at: Date;
    /** As in `RunInput`. */
    readonly resumeCommand?: string | undefined;
    /** `request` of `RunInput`. */
    readonly input?: Json | undefined;
  }): Promise<RunDirectory>;
  /** @throws WorkflowError `RUN_NOT_FOUND` */
  open(id: string): Promise<RunDirectory>;
  /** Every run, oldest first. @throws WorkflowError `JOURNAL_CORRUPT` when one cannot be read: its changes may be incomplete */
  list(): Promise<readonly RunState[]>;
}

/**
 * Opens the run store of `host`; nothing is created before the first run.
 * @param seal default: backups are not encrypted, readable by root
 */
export function openRunStore(host: Host, directory: HostPath = RUNS_DIRECTORY, seal: BackupSeal = {}): RunStore {
  const open = (id: string): RunDirectory => openRunDirectory(host, joinPath(directory, id), id, seal);
  const ids = async (): Promise<readonly string[]> =>
    ((await host.list(directory)) ?? []).filter((id) => RUN_ID.test(id));
  return {
    directory,
    create: async ({ playbook, at, resumeCommand, input }) => {
      const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
      const id = `${stamp}-${randomBytes(2).toString('hex')}`;
      const run = open(id);
      await host.makeDirectory(joinPath(run.path, 'backup'), { mode: PRIVATE_DIRECTORY_MODE });
      await host.writeFile(joinPath(run.path, RESERVE), new Uint8Array(RESERVE_BYTES), { mode: PRIVATE_FILE_MODE });
      const header = { playbook, host: host.name, at: at.toISOString(), resumeCommand, input };
      await run.append({ type: 'run', version: 1, id, ...header });
      return run;
    },
    open: async (id) => {
      if ((await ids()).includes(id)) return open(id);
      throw new WorkflowError({
        code: 'RUN_NOT_FOUND',
        message: `no such run in ${directory}`,
        subject: id,
        hint: 'list the runs of this host with: kube-rescue runs',
      });
    },
    list: async () => {
      const states = await Promise.all((await ids()).map((id) => open(id).state()));
      // A directory without a first record: killed before the run began.
      return states.filter(({ startedAt }) => startedAt !== '');
    },
  };
}

function openRunDirectory(host: Host, path: HostPath, id: string, seal: BackupSeal): RunDirectory {
  const journal = joinPath(path, 'journal.jsonl');
  const records = async (): Promise<readonly JournalRecord[]> => {
    const data = (await host.readFile(journal)) ?? new Uint8Array();
    return decodeJournal(new TextDecoder().decode(data), journal);
  };
  return {
    id,
    path,
    backup: createBackupDirectory(host, joinPath(path, 'backup'), seal),
    append: async (...added) => {
      const data = Buffer.concat(added.map(encodeRecord));
      await host.appendFile(journal, data, { mode: PRIVATE_FILE_MODE });
    },
    releaseReserve: () => host.remove(joinPath(path, RESERVE)),
    repair: async () => {
      const data = (await host.readFile(journal)) ?? new Uint8Array();
      const end = data.lastIndexOf(NEWLINE) + 1;
      if (end < data.length) await host.writeFile(journal, data.subarray(0, end), { mode: PRIVATE_FILE_MODE });
    },
    records,
    state: async () => deriveRunState(await records(), id),
  };
}
