import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { access, type FileHandle, open, statfs } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import { errnoOf, translated, unless } from './fs-failure.ts';
import type { FileStat, HostFiles } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { readTreeOneByOne } from '../tree-read.ts';
import type { PathResolver } from './local-paths.ts';

/** Size limit; certificates and manifests of a node are far smaller. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** Of Linux; Node does not name it. */
const O_PATH = 0o10000000;
const PERMISSION_BITS = 0o7777;
const NOT_THERE = ['ENOENT', 'ENOTDIR'] as const;

export type HostFileReads = Pick<
  HostFiles,
  'readFile' | 'readRange' | 'stat' | 'readLink' | 'list' | 'readTree' | 'freeBytes' | 'assertWritable'
>;

/**
 * The reads of {@link HostFiles} on this machine. Synchronous for small files and directories: the description of a
 * node needs hundreds of them, and on a busy machine the thread pool takes longer than the read.
 */
export function createLocalFileReads(paths: PathResolver): HostFileReads {
  const withOpened = <T>(file: HostPath, read: (descriptor: number) => T): Promise<T | undefined> =>
    translated('read the file', file, async () => {
      const real = await paths.target(file);
      const descriptor = await unless(NOT_THERE, async () => openRegular(real, file));
      if (descriptor === undefined) return undefined;
      try {
        return read(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  const reads: Omit<HostFileReads, 'readTree'> = {
    readFile: (file) => withOpened(file, (descriptor) => readRegular(descriptor, file)),
    readRange: (file, { offset, length }) =>
      withOpened(file, (descriptor) => {
        assertRegular(fstatSync(descriptor), file);
        return readPart(descriptor, offset, length);
      }),
    stat: (file) =>
      translated('stat the file', file, async () => {
        const real = await paths.entry(file);
        const stats = await unless(NOT_THERE, async () => lstatSync(real));
        return stats && fileStat(stats);
      }),
    readLink: (file) =>
      translated('read the link', file, async () => {
        const real = await paths.entry(file);
        return unless([...NOT_THERE, 'EINVAL'], async () => readlinkSync(real));
      }),
    list: (directory) =>
      translated('list the directory', directory, async () => {
        const real = await paths.target(directory);
        const names = await unless(NOT_THERE, async () => readdirSync(real));
        return names?.toSorted();
      }),
    freeBytes: (directory) =>
      translated('read the free space', directory, async () => {
        const real = await paths.target(directory);
        const { bavail, bsize } = await atNearest(real, (nearest) => statfs(nearest));
        return bavail * bsize;
      }),
    assertWritable: (directory) =>
      translated('write in the directory', directory, async () => {
        // access(2) answers EROFS for root too, and EPERM for an immutable file (Linux, `fs/namei.c` inode_permission).
        await atNearest(await paths.target(directory), (nearest) =>
          access(nearest, constants.W_OK).catch((error: unknown) => {
            throw errnoOf(error) === 'EPERM' ? immutable(nearest, error) : error;
          }),
        );
      }),
  };
  return { ...reads, readTree: (roots, limits) => readTreeOneByOne(reads, roots, limits) };
}

function immutable(subject: string, cause: unknown): HostError {
  return new HostError({
    code: 'HOST_READ_ONLY',
    message: 'the immutable attribute is set, which stops root too',
    subject,
    hint: `see it with \`lsattr -d ${subject}\`, remove it with \`chattr -i ${subject}\`, then run again`,
    cause,
  });
}

/** @throws HostError `HOST_NOT_A_REGULAR_FILE` for directories, devices, FIFOs and sockets */
function assertRegular(stats: Stats, file: HostPath): Stats {
  if (stats.isFile()) return stats;
  throw new HostError({
    code: 'HOST_NOT_A_REGULAR_FILE',
    message: `expected a regular file, found a ${nameOfKind(stats)}`,
    subject: file,
    hint: 'check the file with ls -l and move it away',
  });
}

/**
 * Opens a regular file for reading. Opening a device already acts on it (`/dev/watchdog` starts to count), so the inode is
 * identified without its driver first (O_PATH, open(2)), and that very inode is opened.
 *
 * @throws HostError `HOST_NOT_A_REGULAR_FILE`
 */
function openRegular(real: string, file: HostPath): number {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  const identified = openSync(real, O_PATH);
  try {
    const { dev, ino } = assertRegular(fstatSync(identified), file);
    const reopened = reopen(identified, flags);
    if (reopened !== undefined) return reopened;
    // Without /proc, as in a bare chroot: by name, which may be another inode by now.
    const descriptor = openSync(real, flags);
    const opened = fstatSync(descriptor);
    if (opened.dev === dev && opened.ino === ino) return descriptor;
    closeSync(descriptor);
    throw notOurs('another file than a moment ago', file);
  } finally {
    closeSync(identified);
  }
}

/** `undefined` when /proc is not mounted. */
function reopen(descriptor: number, flags: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, flags);
  } catch (error) {
    if (NOT_THERE.some((errno) => errno === errnoOf(error))) return undefined;
    throw error;
  }
}

/**
 * Opens a file for writing in place. Other users may create files in its directory (/run/lock is world-writable), so no link is
 * followed, and a file with several hard links or of another user is refused, all before it is opened.
 *
 * @throws HostError `HOST_NOT_A_REGULAR_FILE`
 */
export async function openDecrypted(real: string, flags: number, mode: number, file: HostPath): Promise<FileHandle> {
  const mayCreate = (flags & constants.O_CREAT) !== 0;
  const identified = await unless(mayCreate ? ['ENOENT'] : [], () => open(real, O_PATH | constants.O_NOFOLLOW));
  if (identified === undefined) {
    const created = await unless(['EEXIST'], () => open(real, flags | constants.O_EXCL | constants.O_NOFOLLOW, mode));
    // Another process has created it meanwhile.
    return created ?? openDecrypted(real, flags & ~constants.O_CREAT, mode, file);
  }
  try {
    const stats = await identified.stat();
    if (stats.isSymbolicLink()) throw notOurs('a link', file);
    const { nlink, uid } = assertRegular(stats, file);
    if (nlink > 1) throw notOurs('a file with several hard links', file);
    if (uid !== 0 && uid !== process.getuid?.()) throw notOurs(`a file of user ${uid}`, file);
    return await open(`/proc/self/fd/${identified.fd}`, (flags & ~constants.O_CREAT) | constants.O_NONBLOCK);
  } finally {
    await identified.close();
  }
}

function notOurs(found: string, subject: HostPath): HostError {
  return new HostError({
    code: 'HOST_NOT_A_REGULAR_FILE',
    message: `expected a regular file, found ${found}`,
    subject,
    hint: 'find its owner (ls -li), and move it away',
  });
}

function readRegular(descriptor: number, file: HostPath): Uint8Array {
  const { size } = assertRegular(fstatSync(descriptor), file);
  const chunks: Uint8Array[] = [];
  let total = 0;
  // The size is a hint only: it is 0 for files in /proc, and the file may grow. One extra byte detects the end.
  for (let room = size + 1; ; room = 64 * 1024) {
    if (size > MAX_FILE_BYTES || total > MAX_FILE_BYTES) throw tooLarge(file);
    const chunk = new Uint8Array(room);
    const bytesRead = readSync(descriptor, chunk, 0, room, null);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    total += bytesRead;
    if (size > 0 && bytesRead === size && chunks.length === 1) break;
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** A read may return less than was asked for before the end. */
function readPart(descriptor: number, offset: number, length: number): Uint8Array {
  const part = new Uint8Array(length);
  let total = 0;
  while (total < length) {
    const bytesRead = readSync(descriptor, part, total, length - total, offset + total);
    if (bytesRead === 0) break;
    total += bytesRead;
  }
  return part.subarray(0, total);
}

function tooLarge(file: HostPath): HostError {
  return new HostError({
    code: 'HOST_FILE_TOO_LARGE',
    message: `the file is larger than ${MAX_FILE_BYTES} bytes`,
    subject: file,
    hint: 'check the file: certificates and manifests are smaller',
  });
}

/** Runs `ask` for a directory, or for its nearest existing parent. */
async function atNearest<T>(directory: string, ask: (nearest: string) => Promise<T>): Promise<T> {
  try {
    return await ask(directory);
  } catch (error) {
    if (directory === '/' || !NOT_THERE.some((errno) => errno === errnoOf(error))) throw error;
    return atNearest(path.dirname(directory), ask);
  }
}

function fileStat(stats: Stats): FileStat {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other',
    mode: stats.mode & PERMISSION_BITS,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    modifiedAt: stats.mtime,
  };
}

function nameOfKind(stats: Stats): string {
  if (stats.isDirectory()) return 'directory';
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return 'device';
}
