import { printable } from '@kube-rescue/errors';
import { type Clock, type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { programName } from '@kube-rescue/node-config';
import type { Change, ChangeKind, UndoOutcome } from '@kube-rescue/workflow';
import { openDatabase } from '../database/database-file.ts';
import { EtcdError } from '../errors.ts';
import { isRestoredBy, writeRestoreMark } from './restore-mark.ts';
import { TOOL_ENVIRONMENT } from './restore-tool.ts';
import { restoreFailed, restoreSnapshot } from './snapshot-restore.ts';

/** Restores a data directory from a file; the old data stays beside the new. */
export interface DataRestore extends Change {
  readonly kind: 'etcd.restore';
  /** The data directory. */
  readonly target: string;
  /** Distinguishes this restore from any other; a part of file names. */
  readonly value: string;
  /** The file. */
  readonly source: string;
  readonly sourceSha256: string;
  /** The file has a hash of its own, which the program verifies again. */
  readonly isHashed: boolean;
  /** Bytes of the file. */
  readonly bytes: number;
  readonly program: string;
  /** How far the revision is raised; 0 where the program cannot. */
  readonly bump: number;
  /** The revision of the file and `bump`. */
  readonly revision: number;
  readonly name: string;
  readonly peerUrl: string;
  /** The process of the kubelet, to be kept with the data. Default: it is not kept. */
  readonly kubelet?: string | undefined;
  /** Ids of the members in the file, to be kept with the data. Default: none is kept. */
  readonly formerMembers?: readonly string[] | undefined;
  /** Names of the members that are gone for good. Default: the member was the only one. */
  readonly without?: readonly string[] | undefined;
}

type RestoreHost = Pick<
  Host,
  | 'exec'
  | 'processes'
  | 'stat'
  | 'freeBytes'
  | 'assertWritable'
  | 'readFile'
  | 'readRange'
  | 'writeFile'
  | 'moveDirectory'
>;

interface Deps {
  readonly host: RestoreHost;
  readonly clock: Clock;
}

const COMMAND_TIMEOUT_MS = 60_000;
/** etcd waits for the watches of its clients. */
const STOP_TIMEOUT_MS = 90_000;
const INTERVAL_MS = 500;
/** The program writes the database, a snapshot of it and the first log. */
const COPIES = 3;

/** The directories of one restore, all in the data directory: it may be a mount point. */
function pathsOf({ target, value }: Pick<DataRestore, 'target' | 'value'>) {
  const directory = hostPath(target);
  return {
    member: joinPath(directory, 'member'),
    /** What the program writes. */
    stage: joinPath(directory, `restored-${value}`),
    /** The data from before. */
    kept: joinPath(directory, `member-before-${value}`),
    /** The restored data, after a rollback. */
    undone: joinPath(directory, `member-undone-${value}`),
  };
}

/**
 * `etcd.restore`: restores a data directory with etcd's own program, as a new cluster of one member. The program writes into a
 * directory of its own; then the old `member` gets another name, and the new one takes its place. The undo exchanges them again.
 * Neither deletes data.
 *
 * Both make sure that no etcd of this machine runs: its manifest must be gone before.
 */
export function createDataRestoreKind(deps: Deps): ChangeKind<DataRestore> {
  const { host } = deps;
  return {
    kind: 'etcd.restore',
    undoOrder: 'reverse',
    describe: ({ target, source, value }) =>
      `restore ${target} from ${source}; the old data stays in ${pathsOf({ target, value }).kept}`,
    preflight: async ({ target, bytes }) => {
      await host.assertWritable(hostPath(target));
      const [free, needed] = [await host.freeBytes(hostPath(target)), bytes * COPIES];
      if (free < needed) throw noSpace(target, needed, free);
    },
    staleness: async () => undefined,
    capture: async (change) => ({ hadData: await exists(pathsOf(change).member, host) }),
    apply: (change) => restore(change, deps),
    undo: (change, captured) => undo(change, (captured as { readonly hadData: boolean }).hadData, deps),
  };
}

async function restore(change: DataRestore, deps: Deps): Promise<void> {
  const { host } = deps;
  const { member, stage, kept } = pathsOf(change);
  if (await isRestoredBy(change, { host })) return;
  await assertStopped(change.target, deps);
  // What an interrupted restore has left: no etcd ever ran on it.
  await call(['rm', '-rf', '--one-file-system', '--', stage], change, host);
  const { program, name, peerUrl, bump, isHashed } = change;
  const token = `kube-rescue-${change.value}`;
  await restoreSnapshot(
    { program, source: change.source, directory: stage, name, peerUrl, token, bump, isHashed },
    { host },
  );
  const restored = joinPath(stage, 'member');
  const database = await openDatabase(joinPath(restored, 'snap/db'), { host });
  if (database === undefined) throw restoreFailed(change.source, 'the program has written no database');
  const owner = await host.stat(hostPath(change.target));
  if (owner !== undefined && (owner.uid !== 0 || owner.gid !== 0)) {
    await call(['chown', '-R', `${owner.uid}:${owner.gid}`, '--', stage], change, host);
  }
  const { value, sourceSha256: source, revision, kubelet, formerMembers = [] } = change;
  await writeRestoreMark(restored, { value, source, revision, kubelet, formerMembers }, { host });
  if (await exists(member, host)) await host.moveDirectory(member, kept);
  await host.moveDirectory(restored, member);
  await call(['rm', '-rf', '--one-file-system', '--', stage], change, host);
}

async function undo(change: DataRestore, hadData: boolean, deps: Deps): Promise<UndoOutcome> {
  const { host } = deps;
  const { member, kept, undone } = pathsOf(change);
  const isRestored = await isRestoredBy(change, { host });
  const isKept = await exists(kept, host);
  if (!isKept && !isRestored) return { state: 'already' };
  if (hadData && !isKept) return { state: 'foreign', reason: `the old data is no longer in ${kept}; not restored` };
  if (!isRestored && (await exists(member, host))) {
    return { state: 'foreign', reason: `${member} was replaced by another process since; not restored` };
  }
  await assertStopped(change.target, deps);
  if (isRestored) await host.moveDirectory(member, undone);
  if (isKept) await host.moveDirectory(kept, member);
  return { state: 'undone' };
}

/** @throws EtcdError `ETCD_STILL_RUNS` */
async function assertStopped(target: string, { host, clock }: Deps): Promise<void> {
  const start = clock.now().getTime();
  for (;;) {
    const processes = await host.processes();
    const running = processes.find(
      ({ argv, hasOtherNetwork }) => hasOtherNetwork !== true && programName(argv[0] ?? '') === 'etcd',
    );
    if (running === undefined) return;
    if (clock.now().getTime() - start >= STOP_TIMEOUT_MS) {
      throw new EtcdError({
        code: 'ETCD_STILL_RUNS',
        message: `etcd still runs (process ${running.pid}); its data is not exchanged`,
        subject: target,
        hint: 'see why the kubelet does not stop it (journalctl -u kubelet), then run again',
      });
    }
    await clock.sleep(INTERVAL_MS);
  }
}

async function call(argv: readonly [string, ...string[]], change: DataRestore, host: RestoreHost): Promise<void> {
  const { exitCode, stdout, stderr } = await host.exec(argv, {
    timeoutMs: COMMAND_TIMEOUT_MS,
    env: TOOL_ENVIRONMENT,
  });
  if (exitCode === 0) return;
  const lines = `${stdout}\n${stderr}`.trim().split('\n');
  throw restoreFailed(
    change.source,
    `${argv[0]} ended with ${exitCode}: ${printable(lines.at(-1) ?? '').slice(0, 300)}`,
  );
}

async function exists(path: HostPath, host: Pick<Host, 'stat'>): Promise<boolean> {
  return (await host.stat(path)) !== undefined;
}

function noSpace(target: string, needed: number, free: number): EtcdError {
  return new EtcdError({
    code: 'ETCD_SNAPSHOT_NO_SPACE',
    message: `cannot restore the snapshot: ${needed} bytes are needed, ${free} are free`,
    subject: target,
    hint: 'free some space on the filesystem of the data directory: the old data stays there as well',
  });
}
