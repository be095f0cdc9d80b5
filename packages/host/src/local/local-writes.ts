import { constants } from 'node:fs';
import { chmod, type FileHandle, lchown, lstat, mkdir, open, rename, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import { removeEntry, replaceEntry, unlinkIfThere } from './entry-exchange.ts';
import { translated, unless } from './fs-failure.ts';
import type { HostFiles, WriteOptions } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import type { OnAttributesLost } from '../kept-attributes.ts';
import { keepAttributes } from './local-attributes.ts';
import { openDecrypted } from './local-files.ts';
import type { PathResolver } from './local-paths.ts';
import { directoryAbove, syncDirectory } from './staging.ts';

export type HostFileWrites = Pick<
  HostFiles,
  'writeFile' | 'writeFileFrom' | 'appendFile' | 'writeLink' | 'remove' | 'makeDirectory' | 'moveDirectory'
>;

/** Chunk size for syncing a streamed file. */
const SYNC_BYTES = 8 * 1024 * 1024;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The writes of {@link HostFiles} on this machine; never outside `root`. */
export function createLocalFileWrites(
  paths: PathResolver,
  root: HostPath,
  onAttributesLost: OnAttributesLost,
): HostFileWrites {
  const write = (file: HostPath, data: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> =>
    translated('write the file', file, async () => {
      const real = await paths.entry(file);
      const directory = path.dirname(real);
      const staging = options.watched === true ? await directoryAbove(directory, root, file) : directory;
      const entry = { real, staging, subject: file, replaces: options.replaces };
      let lost: string | undefined;
      await replaceEntry(entry, async (temporary) => {
        lost = await writeNew(temporary, real, data, options);
      });
      if (lost !== undefined) onAttributesLost({ path: file, reason: lost });
    });
  return {
    writeFile: write,
    writeFileFrom: write,
    appendFile: (file, data, { mode }) =>
      translated('append to the file', file, async () => {
        const real = await paths.entry(file);
        await append(real, data, mode, file);
      }),
    writeLink: (file, target, options) =>
      translated('write the link', file, async () => {
        const real = await paths.entry(file);
        const entry = { real, staging: path.dirname(real), subject: file, replaces: options?.replaces };
        await replaceEntry(entry, async (temporary) => {
          await symlink(target, temporary);
          const owner = options?.owner;
          if (owner !== undefined) await lchown(temporary, owner.uid, owner.gid);
        });
      }),
    remove: (file, options) =>
      translated('remove', file, async () => {
        const real = await paths.entry(file);
        const directory = path.dirname(real);
        if (options?.replaces === undefined) {
          if (await unlinkIfThere(real)) await syncDirectory(directory);
          return;
        }
        const staging = options.watched === true ? await directoryAbove(directory, root, file) : directory;
        await removeEntry({ real, staging, subject: file, replaces: options.replaces });
      }),
    makeDirectory: (directory, { mode }) =>
      translated('make the directory', directory, async () => {
        const real = await paths.target(directory);
        await makeFolders(real, mode);
      }),
    moveDirectory: (from, to) =>
      translated('move the directory', from, async () => {
        const [old, real] = [await paths.entry(from), await paths.entry(to)];
        const isDirectory = (await lstat(old)).isDirectory();
        const isTaken = (await unless(['ENOENT'], () => lstat(real))) !== undefined;
        if (!isDirectory || isTaken)
          throw notMovable(isTaken ? to : from, isTaken ? 'it exists already' : 'it is no directory');
        await rename(old, real);
        await syncDirectory(path.dirname(old));
        await syncDirectory(path.dirname(real));
      }),
  };
}

function notMovable(subject: HostPath, reason: string): HostError {
  return new HostError({
    code: 'HOST_PATH_INVALID',
    message: `cannot move the directory: ${reason}`,
    subject,
    hint: 'check both paths with ls -ld',
  });
}

/** @returns why attributes of the file at `real` may be lost */
async function writeNew(
  temporary: string,
  real: string,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<string | undefined> {
  const handle = await open(temporary, NEW_FILE, 0o600);
  try {
    const lost = options.isOwn === true ? undefined : await keepAttributes(real, temporary);
    if (data instanceof Uint8Array) await handle.writeFile(data);
    else await writePieces(handle, data);
    if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid);
    // After chown, which may clear bits, and explicitly, because the umask cleared bits at open.
    await handle.chmod(options.mode);
    await handle.sync();
    return lost;
  } finally {
    await handle.close();
  }
}

/** Syncs received data while more arrives, so that the final fsync of a large file is short. */
async function writePieces(handle: FileHandle, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let unsynced = 0;
  let syncing = Promise.resolve();
  try {
    for await (const piece of pieces) {
      await handle.writeFile(piece);
      unsynced += piece.length;
      if (unsynced < SYNC_BYTES) continue;
      unsynced = 0;
      await syncing;
      syncing = handle.datasync();
      // Handled by the next await.
      syncing.catch(() => undefined);
    }
  } finally {
    await syncing;
  }
}

async function append(real: string, data: Uint8Array, mode: number, file: HostPath): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND;
  const existing = await unless(['ENOENT'], () => openDecrypted(real, flags, mode, file));
  const handle = existing ?? (await open(real, flags | NEW_FILE, mode));
  try {
    const { size } = await handle.stat();
    if (existing === undefined) await handle.chmod(mode);
    await appendWhole(handle, data, size);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (existing === undefined) await syncDirectory(path.dirname(real));
}

/** A partial record is truncated again when the write fails. */
async function appendWhole(handle: FileHandle, data: Uint8Array, size: number): Promise<void> {
  try {
    await handle.writeFile(data);
  } catch (error) {
    await handle.truncate(size).catch(() => undefined);
    throw error;
  }
}

async function makeFolders(directory: string, mode: number): Promise<void> {
  const found = await unless(['ENOENT'], () => stat(directory));
  if (found?.isDirectory() === true) return;
  const parent = path.dirname(directory);
  if (found === undefined && parent !== directory) await makeFolders(parent, mode);
  // Another process may have created it meanwhile; when a file has the name, the error stays.
  const errnos = found === undefined ? ['EEXIST'] : [];
  await unless(errnos, () => mkdir(directory, { mode }));
  await chmod(directory, mode);
  await syncDirectory(parent);
}
