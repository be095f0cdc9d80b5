import { randomBytes } from 'node:crypto';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Clock, type Host, type HostLock, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { programName } from '@kube-rescue/node-config';
import { ThrowawayError } from '../errors.ts';

/** The directories of one throwaway API server. */
export interface Workspace {
  /** On disk, for programs and the copy of the data. */
  readonly disk: HostPath;
  /** In memory, for keys and the kubeconfig. */
  readonly memory: HostPath;
  /** Ends what still runs on it, and removes both directories. */
  remove(): Promise<void>;
}

export interface WorkspaceDeps {
  readonly host: Host;
  readonly clock: Clock;
}

const DISK = hostPath('/var/lib/kube-rescue/api');
const RUN = hostPath('/run');
/** Names of directories in `/run`. */
const MEMORY = 'kube-rescue-api-';
const ID = /^[0-9a-f]{8}$/;
const PRIVATE_DIRECTORY_MODE = 0o700;
const COMMAND_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 10_000;
const INTERVAL_MS = 50;
const LOCK_ATTEMPTS = 5;
/** Nothing else is started on these directories. */
const PROGRAMS = ['etcd', 'kube-apiserver'];
/** Where an image was mounted when the process was killed. */
export const MOUNT_POINT = 'image';

/**
 * Creates the directories for one throwaway API server, root's alone, and removes those that a killed process has left.
 *
 * A lock beside each pair of directories says whether its process still runs: the kernel releases it.
 * @returns `abandoned`: the directories that were removed
 * @throws ThrowawayError `THROWAWAY_NO_MEMORY`; HostError
 */
export async function openWorkspace(
  deps: WorkspaceDeps,
): Promise<{ readonly workspace: Workspace; readonly abandoned: readonly string[] }> {
  const { host } = deps;
  await assertInMemory(host);
  const abandoned = await removeAbandoned(deps);
  const id = randomBytes(4).toString('hex');
  const lock = await lockNew(id, host);
  const { disk, memory } = pathsOf(id);
  const remove = (): Promise<void> => removeWorkspace(id, lock, deps);
  try {
    for (const directory of [disk, memory]) await host.makeDirectory(directory, { mode: PRIVATE_DIRECTORY_MODE });
  } catch (error) {
    await remove();
    throw error;
  }
  return { workspace: { disk, memory, remove }, abandoned };
}

/** Another one that ends removes the directory once it is empty. */
async function lockNew(id: string, host: Host): Promise<HostLock> {
  for (let attempt = 1; ; attempt += 1) {
    await host.makeDirectory(DISK, { mode: PRIVATE_DIRECTORY_MODE });
    try {
      return await host.acquireLock(lockOf(id), `kube-rescue api ${id}`);
    } catch (error) {
      if (attempt >= LOCK_ATTEMPTS || !isRecoveryError(error, 'HOST_NOT_FOUND')) throw error;
    }
  }
}

function lockOf(id: string): HostPath {
  return joinPath(DISK, `${id}.lock`);
}

function pathsOf(id: string): Pick<Workspace, 'disk' | 'memory'> {
  return { disk: joinPath(DISK, id), memory: joinPath(RUN, `${MEMORY}${id}`) };
}

/** Keys must not reach a disk. @throws ThrowawayError `THROWAWAY_NO_MEMORY` */
async function assertInMemory(host: Host): Promise<void> {
  const { stdout } = await host.exec(['stat', '--file-system', '--format=%T', RUN], { timeoutMs: COMMAND_TIMEOUT_MS });
  const type = stdout.trim();
  if (['tmpfs', 'ramfs'].includes(type)) return;
  throw new ThrowawayError({
    code: 'THROWAWAY_NO_MEMORY',
    message: `${RUN} is not in memory (${type}), and temporary keys must not reach a disk`,
    subject: RUN,
    hint: `nothing was started; mount a tmpfs there, as systemd does: mount -t tmpfs -o mode=0755 tmpfs ${RUN}`,
  });
}

async function removeAbandoned(deps: WorkspaceDeps): Promise<readonly string[]> {
  const { host } = deps;
  const onDisk = ((await host.list(DISK)) ?? []).map((name) => name.replace(/\.lock$/, ''));
  const inMemory = ((await host.list(RUN)) ?? []).flatMap((name) =>
    name.startsWith(MEMORY) ? [name.slice(MEMORY.length)] : [],
  );
  const ids = [...new Set([...onDisk, ...inMemory])].filter((name) => ID.test(name));
  if (ids.length > 0) await host.makeDirectory(DISK, { mode: PRIVATE_DIRECTORY_MODE });
  const removed: string[] = [];
  for (const id of ids) {
    try {
      const lock = await host.acquireLock(lockOf(id), 'kube-rescue api, removing what was left');
      await removeWorkspace(id, lock, deps);
      removed.push(pathsOf(id).disk);
    } catch (error) {
      // Its process runs.
      if (!isRecoveryError(error, 'HOST_LOCKED')) throw error;
    }
  }
  return removed;
}

async function removeWorkspace(id: string, lock: HostLock, { host, clock }: WorkspaceDeps): Promise<void> {
  const { disk, memory } = pathsOf(id);
  await endPrograms([disk, memory], { host, clock });
  const run = async (...argv: [string, ...string[]]): Promise<void> => {
    await host.exec(argv, { timeoutMs: COMMAND_TIMEOUT_MS });
  };
  const mounted = joinPath(disk, MOUNT_POINT);
  if ((await host.stat(mounted)) !== undefined) await run('umount', '--', mounted);
  await run('rm', '-rf', '--one-file-system', '--', memory, disk);
  await host.remove(lockOf(id));
  await lock.release();
  // Of another server they are not empty.
  await run('rmdir', '--ignore-fail-on-non-empty', '--', DISK);
}

/** Kills what was started with a file of these directories, and waits until it is gone. */
async function endPrograms(directories: readonly HostPath[], { host, clock }: WorkspaceDeps): Promise<void> {
  const isOurs = (argv: readonly string[]): boolean =>
    PROGRAMS.includes(programName(argv[0] ?? '')) &&
    argv.some((word) => directories.some((directory) => word.includes(`${directory}/`)));
  const begun = clock.now().getTime();
  for (;;) {
    const running = await host.processes({ argv: isOurs });
    if (running.length === 0 || clock.now().getTime() - begun >= END_TIMEOUT_MS) return;
    for (const { pid } of running) await host.exec(['kill', '-KILL', String(pid)], { timeoutMs: COMMAND_TIMEOUT_MS });
    await clock.sleep(INTERVAL_MS);
  }
}
