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
import type { PathResolver } from './local-paths.ts';

/** Read at most; nothing that a node keeps its certificates or manifests in comes near it. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const PERMISSION_BITS = 0o7777;
const NOT_THERE = ['ENOENT', 'ENOTDIR'] as const;

export type HostFileReads = Pick<HostFiles, 'readFile' | 'stat' | 'readLink' | 'list' | 'freeBytes' | 'assertWritable'>;

/**
 * The reading half of {@link HostFiles} on this machine. Synchronous on purpose where a small file or a folder is looked at:
 * a node is described by hundreds of them, and on a busy machine each trip through the thread pool takes longer than the look.
 */
export function createLocalFileReads(paths: PathResolver): HostFileReads {
  return {
    readFile: (file) =>
      translated('read the file', file, async () => {
        const real = await paths.target(file);
        // Without O_NONBLOCK, opening a FIFO would wait for its writer.
        const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
        const descriptor = await unless(NOT_THERE, async () => openSync(real, flags));
        if (descriptor === undefined) return undefined;
        try {
          return readRegular(descriptor, file);
        } finally {
          closeSync(descriptor);
        }
      }),
    stat: (file) =>
      translated('look at', file, async () => {
        const real = await paths.entry(file);
        const stats = await unless(NOT_THERE, async () => lstatSync(real));
        return stats && fileStat(stats);
      }),
    readLink: (file) =>
      translated('read the link', file, async () => {
        const real = await paths.entry(file);
        return unless([...NOT_THERE, 'EINVAL'], async () => readlinkSync(real));
      }),
    list: (folder) =>
      translated('list the folder', folder, async () => {
        const real = await paths.target(folder);
        const names = await unless(NOT_THERE, async () => readdirSync(real));
        return names?.toSorted();
      }),
    freeBytes: (folder) =>
      translated('ask for the free space', folder, async () => {
        const real = await paths.target(folder);
        const { bavail, bsize } = await atNearest(real, (nearest) => statfs(nearest));
        return bavail * bsize;
      }),
    assertWritable: (folder) =>
      translated('write in the folder', folder, async () => {
        // access(2) answers EROFS for root too.
        await atNearest(await paths.target(folder), (nearest) => access(nearest, constants.W_OK));
      }),
  };
}

/** @throws HostError `HOST_NOT_A_REGULAR_FILE` for folders, devices, FIFOs and sockets */
function assertRegular(stats: Stats, file: HostPath): Stats {
  if (stats.isFile()) return stats;
  throw new HostError({
    code: 'HOST_NOT_A_REGULAR_FILE',
    message: `expected a regular file, found a ${nameOfKind(stats)}`,
    subject: file,
    hint: 'look at what is there with ls -l and move it away',
  });
}

/**
 * Opens a file that is written in place. Whoever can plant names in its folder (/run/lock is open to all) must not make root write
 * elsewhere: no link is followed, and a file that has another name too is refused.
 *
 * @throws HostError `HOST_NOT_A_REGULAR_FILE`
 */
export async function openDecrypted(real: string, flags: number, mode: number, file: HostPath): Promise<FileHandle> {
  const handle = await unless(['ELOOP'], () => open(real, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode));
  if (handle === undefined) throw notOurs('a link', file);
  try {
    const { nlink } = assertRegular(await handle.stat(), file);
    if (nlink > 1) throw notOurs('a file that has another name too', file);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function notOurs(found: string, subject: HostPath): HostError {
  return new HostError({
    code: 'HOST_NOT_A_REGULAR_FILE',
    message: `expected a regular file of its own, found ${found}`,
    subject,
    hint: 'find out who put it there (ls -li), and move it away',
  });
}

function readRegular(descriptor: number, file: HostPath): Uint8Array {
  const { size } = assertRegular(fstatSync(descriptor), file);
  const chunks: Uint8Array[] = [];
  let total = 0;
  // The size is a hint only: it is 0 for files in /proc, and the file may grow. One byte more than it finds the end.
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

function tooLarge(file: HostPath): HostError {
  return new HostError({
    code: 'HOST_FILE_TOO_LARGE',
    message: `the file is larger than ${MAX_FILE_BYTES} bytes`,
    subject: file,
    hint: 'check what the file is; it is not one that a node keeps certificates or manifests in',
  });
}

/** `ask` of a folder, or of the nearest folder above it that exists. */
async function atNearest<T>(folder: string, ask: (nearest: string) => Promise<T>): Promise<T> {
  try {
    return await ask(folder);
  } catch (error) {
    if (folder === '/' || !NOT_THERE.some((errno) => errno === errnoOf(error))) throw error;
    return atNearest(path.dirname(folder), ask);
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
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return 'device';
}
