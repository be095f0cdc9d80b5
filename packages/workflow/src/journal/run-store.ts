import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { randomBytes } from 'node:crypto';
import { WorkflowError } from '../errors.ts';
import type { Json } from '../plan/change.ts';
import type { RunState } from '../run/run-state.ts';
import type { BackupSeal } from './backup-seal.ts';
import { readLines, runPathsIn } from './journal-file.ts';
import { JOURNAL_VERSION, type RunHeader, type RunOrigin } from './journal-record.ts';
import { parseFields } from './record-reading.ts';
import { type NewRunDirectory, openRunDirectory, readRunNumber, type RunDirectory } from './run-directory.ts';

/** Default directory of runs on the host. */
export const RUNS_DIRECTORY = hostPath('/var/lib/kube-rescue/runs');
/** Names the newest run wherever the id of a run is expected. */
export const LATEST_RUN = 'latest';

const RUN_ID = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;
/** Outcomes after which no change of the run is incomplete. */
const COMPLETE_OUTCOMES = ['done', 'rolled-back'];

/** A run whose journal cannot be read. */
export interface DamagedRun {
  readonly id: string;
  readonly error: RecoveryError;
  /** Its changes may be incomplete: its journal does not end with a record that says otherwise. */
  readonly mayBeIncomplete: boolean;
}

/** One directory of the store. */
export type RunEntry =
  | { readonly id: string; readonly state: RunState; readonly damage?: undefined }
  | { readonly id: string; readonly state?: undefined; readonly damage: DamagedRun };

/** Input of a new run. */
interface NewRun {
  readonly playbook: string;
  readonly at: Date;
  /** As in `RunInput`. */
  readonly resumeCommand?: string | undefined;
  /** `request` of `RunInput`. */
  readonly input?: Json | undefined;
  /** As in `RunInput`. */
  readonly origin?: RunOrigin | undefined;
}

/** The runs of one host. */
export interface RunStore {
  readonly directory: HostPath;
  /** Public recipients of the backups of new runs; empty when they are not encrypted. */
  readonly recipients: readonly string[];
  /**
   * Creates the directory of a new run. Its id names the time, for example `20261122T111800Z-1f3a`; its number, one more
   * than that of any run here, decides the order.
   */
  create(run: NewRun): Promise<RunDirectory>;
  /** @param id of a run, or `latest` @throws WorkflowError `RUN_NOT_FOUND` */
  open(id: string): Promise<RunDirectory>;
  /** Every run, oldest first, those that cannot be read included. Directories of runs that never began are omitted. */
  survey(): Promise<readonly RunEntry[]>;
  /** Every run that can be read, oldest first. */
  list(): Promise<readonly RunState[]>;
}

/**
 * Opens the run store of `host`; nothing is created before the first run.
 * @param seal default: backups are not encrypted, readable by root
 */
export function openRunStore(host: Host, directory: HostPath = RUNS_DIRECTORY, seal: BackupSeal = {}): RunStore {
  const open = (id: string): NewRunDirectory => openRunDirectory(host, joinPath(directory, id), id, seal);
  const recipients = seal.recipients ?? [];
  const ids = async (): Promise<readonly string[]> =>
    ((await host.list(directory)) ?? []).filter((id) => RUN_ID.test(id));
  const ordered = async (): Promise<readonly Ordered[]> => {
    const numbered = await Promise.all(
      (await ids()).map(async (id) => ({ id, number: await orderOf(joinPath(directory, id), host) })),
    );
    return numbered.toSorted((a, b) => (a.number === b.number ? (a.id < b.id ? -1 : 1) : a.number - b.number));
  };
  const survey = async (): Promise<readonly RunEntry[]> => {
    const entries: RunEntry[] = [];
    // One after the other: a journal may be large.
    for (const { id } of await ordered()) {
      const entry = await examine(open(id), host);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  };
  return {
    directory,
    recipients,
    create: async ({ playbook, at, resumeCommand, input, origin }) => {
      const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
      const run = open(`${stamp}-${randomBytes(2).toString('hex')}`);
      const known = await ordered();
      const number = 1 + Math.max(known.length, ...known.map((each) => each.number).filter(Number.isFinite));
      await run.prepare(number);
      const header: RunHeader = {
        type: 'run',
        version: JOURNAL_VERSION,
        id: run.id,
        number,
        playbook,
        host: host.name,
        root: host.kind === 'copy' ? host.name : null,
        at: at.toISOString(),
        ...origin,
        seal: recipients,
        resumeCommand,
        input,
      };
      await run.append(header);
      return run;
    },
    open: async (id) => {
      if (id === LATEST_RUN) {
        const latest = (await survey()).at(-1);
        if (latest !== undefined) return open(latest.id);
      }
      if ((await ids()).includes(id)) return open(id);
      throw new WorkflowError({
        code: 'RUN_NOT_FOUND',
        message: `no such run in ${directory}`,
        subject: id,
        hint: 'list the runs of this host with: `kube-rescue runs`',
      });
    },
    survey,
    list: async () => (await survey()).flatMap(({ state }) => state ?? []),
  };
}

interface Ordered {
  readonly id: string;
  readonly number: number;
}

/**
 * The number of a run. Runs of version 1 have none: they are older than all others, and their names decide. A run that
 * lost its number may be the newest one.
 */
async function orderOf(path: HostPath, host: Host): Promise<number> {
  try {
    const marked = await readRunNumber(path, host);
    if (marked !== undefined) return marked;
    for await (const { line } of readLines(runPathsIn(path).journal, host)) {
      const { version, number } = parseFields(line) ?? {};
      if (version === 1) return 0;
      if (typeof number === 'number') return number;
      break;
    }
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
  }
  return Number.POSITIVE_INFINITY;
}

async function examine(run: RunDirectory, host: Host): Promise<RunEntry | undefined> {
  const { id, path } = run;
  try {
    const state = await run.state();
    // Without a first record: killed before the run began.
    return state.header === undefined ? undefined : { id, state };
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { id, damage: { id, error, mayBeIncomplete: !(await endsCompletely(path, host)) } };
  }
}

/** Whether the last complete line says that the run is done or rolled back. Every version has this record. */
async function endsCompletely(path: HostPath, host: Host): Promise<boolean> {
  let last: Uint8Array = new Uint8Array();
  try {
    for await (const { line } of readLines(runPathsIn(path).journal, host)) last = line;
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return false;
  }
  const { type, outcome } = parseFields(last) ?? {};
  return type === 'end' && COMPLETE_OUTCOMES.some((each) => each === outcome);
}
