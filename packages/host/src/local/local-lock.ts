import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { HostError } from '../errors.ts';
import { errnoOf, translated } from './fs-failure.ts';
import type { HostLock } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { openDecrypted } from './local-files.ts';
import type { PathResolver } from './local-paths.ts';

const LOCK_FILE_MODE = 0o600;
/** flock(1) exits with 1 when another process holds the lock. */
const FLOCK_CONFLICT = 1;
const ECHO = 'held\n';

type Child = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Locks a file through a child process, because Node has no flock(2): `flock` holds the lock while `cat` reads a pipe from
 * this process. When this process exits, even by SIGKILL, the kernel closes the pipe and releases the lock.
 */
export async function lockLocally(paths: PathResolver, file: HostPath, holder: string): Promise<HostLock> {
  const real = await translated('find the lock file', file, () => paths.entry(file));
  const handle = await translated('open the lock file', file, () => {
    return openDecrypted(real, constants.O_RDWR | constants.O_CREAT, LOCK_FILE_MODE, file);
  });
  try {
    const child = await holdLock(file, handle);
    // In place, not by rename: the lock is on this very inode.
    await translated('write the lock file', file, async () => {
      await handle.truncate(0);
      await handle.write(`${holder.replaceAll('\n', ' ')}\n`, 0);
    });
    return { release: () => letGo(child) };
  } finally {
    await handle.close();
  }
}

async function holdLock(file: HostPath, handle: FileHandle): Promise<Child> {
  // The file that was checked, even if its name points to another file by now.
  const stdio: ['pipe', 'pipe', 'ignore', number] = ['pipe', 'pipe', 'ignore', handle.fd];
  // Detached: a Ctrl-C on the terminal must not release the lock before the guarded work ends.
  const child = spawn('flock', ['-n', '/proc/self/fd/3', 'cat'], { detached: true, stdio }) as unknown as Child;
  child.stdin.on('error', () => undefined);
  child.stdin.write(ECHO);
  const outcome = await Promise.race([
    once(child.stdout, 'data').then(() => 'held' as const),
    once(child, 'exit').then(([code]: unknown[]) => ({ exitCode: code })),
  ]).catch((error: unknown) => {
    throw notRunnable(error, file);
  });
  if (outcome === 'held') {
    // The lock does not keep this process alive.
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
    return child;
  }
  if (outcome.exitCode === FLOCK_CONFLICT) throw await locked(file, handle);
  throw new HostError({
    code: 'HOST_IO',
    message: `cannot take the lock: flock exited with ${String(outcome.exitCode)}`,
    subject: file,
    hint: `run it by hand to see why: flock -n ${file} true`,
  });
}

async function letGo(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const exited = once(child, 'exit');
  child.stdin.end();
  await exited;
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
    code: errnoOf(error) === 'ENOENT' ? 'HOST_EXEC_NOT_FOUND' : 'HOST_IO',
    message: 'cannot take the lock: flock does not run',
    subject: file,
    hint: 'install util-linux, which contains flock',
    cause: error,
  });
}
