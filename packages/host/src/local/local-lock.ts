import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { HostError } from '../errors.ts';
import { childEnvironment } from './child-environment.ts';
import { errnoOf, translated } from './fs-failure.ts';
import type { HostLock } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { openDecrypted } from './local-files.ts';
import type { PathResolver } from './local-paths.ts';
import { findProgram } from './trusted-programs.ts';

const LOCK_FILE_MODE = 0o600;
/** flock(1) exits with 1 when another process holds the lock. */
const FLOCK_CONFLICT = 1;
/** The number that the file has in the child. */
const DESCRIPTOR = 3;
/** The file may be removed between its opening and its locking. */
const ATTEMPTS = 5;

/** Files with a held lock: a file that the garbage collector closes would lose it. */
const held = new Set<FileHandle>();

/**
 * Locks a file with flock(2), which Node lacks: `flock` locks the open file that it inherits, and exits. The lock belongs to that
 * open file, so this process holds it, without a child that another process could end; the kernel releases it when this process
 * ends, even by SIGKILL. Later children do not inherit the file.
 */
export async function lockLocally(paths: PathResolver, file: HostPath, holder: string): Promise<HostLock> {
  const real = await translated('find the lock file', file, () => paths.entry(file));
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const handle = await translated('open the lock file', file, () => {
      return openDecrypted(real, constants.O_RDWR | constants.O_CREAT, LOCK_FILE_MODE, file);
    });
    try {
      await takeLock(file, handle);
      if (await isNamed(real, handle)) {
        // In place, not by rename: the lock is on this very inode.
        await translated('write the lock file', file, async () => {
          await handle.truncate(0);
          await handle.write(`${holder.replaceAll('\n', ' ')}\n`, 0);
        });
        held.add(handle);
        return { isHeld: async () => held.has(handle) && isNamed(real, handle), release: () => letGo(handle) };
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
  throw new HostError({
    code: 'HOST_IO',
    message: 'cannot take the lock: another process keeps removing its file',
    subject: file,
    hint: `find that process: fuser -v ${file}`,
  });
}

async function takeLock(file: HostPath, handle: FileHandle): Promise<void> {
  const { file: flock } = findProgram('flock', process.env['PATH']);
  if (flock === undefined) throw notRunnable(undefined, file);
  const child = spawn(flock, ['-n', String(DESCRIPTOR)], {
    // A Ctrl-C on the terminal must not end it before it has the lock.
    detached: true,
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', handle.fd],
  });
  const ended: readonly unknown[] = await once(child, 'exit').catch((error: unknown) => {
    throw notRunnable(error, file);
  });
  const [exitCode, signal] = ended;
  if (exitCode === 0) return;
  if (exitCode === FLOCK_CONFLICT) throw await locked(file, handle);
  throw new HostError({
    code: 'HOST_IO',
    message: `cannot take the lock: flock ended with ${String(exitCode ?? signal)}`,
    subject: file,
    hint: `run it by hand to see why: flock -n ${file} true`,
  });
}

/** Whether the name of the lock still leads to the locked file: a removed or replaced file keeps no other process out. */
async function isNamed(real: string, handle: FileHandle): Promise<boolean> {
  const [named, own] = await Promise.all([
    stat(real, { bigint: true }).catch(() => undefined),
    handle.stat({ bigint: true }),
  ]);
  return named !== undefined && named.dev === own.dev && named.ino === own.ino;
}

async function letGo(handle: FileHandle): Promise<void> {
  if (held.delete(handle)) await handle.close();
}

async function locked(file: HostPath, handle: FileHandle): Promise<HostError> {
  const [holder] = (await handle.readFile('utf8')).split('\n');
  return new HostError({
    code: 'HOST_LOCKED',
    message: `the lock ${file} is held by another run`,
    subject: holder === undefined || holder === '' ? file : holder,
    hint: `wait for it to end; show the holder with: fuser -v ${file}`,
  });
}

function notRunnable(error: unknown, file: HostPath): HostError {
  return new HostError({
    code: error === undefined || errnoOf(error) === 'ENOENT' ? 'HOST_EXEC_NOT_FOUND' : 'HOST_IO',
    message: 'cannot take the lock: flock does not run',
    subject: file,
    hint: 'install util-linux, which contains flock, into a directory of PATH that only root can write',
    cause: error,
  });
}
