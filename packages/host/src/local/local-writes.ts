import { constants } from 'node:fs';
import { chmod, type FileHandle, lchown, mkdir, open, realpath, rename, stat, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import { errnoOf, translated, unless } from './fs-failure.ts';
import type { HostFiles, WriteOptions } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { openDecrypted } from './local-files.ts';
import type { PathResolver } from './local-paths.ts';
import { createSharedSync } from './shared-sync.ts';
import { temporaryName } from '../temporary-path.ts';

export type HostFileWrites = Pick<
  HostFiles,
  'writeFile' | 'writeFileFrom' | 'appendFile' | 'writeLink' | 'remove' | 'makeDirectory'
>;

/** Chunk size for syncing a streamed file. */
const SYNC_BYTES = 8 * 1024 * 1024;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The writes of {@link HostFiles} on this machine; never outside `root`. */
export function createLocalFileWrites(paths: PathResolver, root: HostPath): HostFileWrites {
  const write = (file: HostPath, data: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void> =>
    translated('write the file', file, async () => {
      const real = await paths.entry(file);
      const directory = path.dirname(real);
      const staging = options.watched === true ? await folderAbove(directory, root, file) : directory;
      await replaceEntry(real, staging, file, (temporary) => writeNew(temporary, data, options));
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
        await replaceEntry(real, path.dirname(real), file, async (temporary) => {
          await symlink(target, temporary);
          const owner = options?.owner;
          if (owner !== undefined) await lchown(temporary, owner.uid, owner.gid);
        });
      }),
    remove: (file) =>
      translated('remove', file, async () => {
        const real = await paths.entry(file);
        const removed = await unless(['ENOENT', 'ENOTDIR'], async () => {
          await unlink(real);
          return true;
        });
        if (removed === true) await syncFolder(path.dirname(real));
      }),
    makeDirectory: (directory, { mode }) =>
      translated('make the directory', directory, async () => {
        const real = await paths.target(directory);
        await makeFolders(real, mode);
      }),
  };
}

/** Creates an entry beside (or above) `real` with `make`, then renames it to `real`. */
async function replaceEntry(
  real: string,
  staging: string,
  subject: HostPath,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = path.join(staging, temporaryName(path.basename(real)));
  await unlinkIfThere(temporary);
  try {
    await make(temporary);
    await rename(temporary, real);
  } catch (error) {
    // The first failure is reported; the next write removes a remaining temporary file.
    await unlinkIfThere(temporary).catch(() => undefined);
    throw errnoOf(error) === 'EXDEV' ? stagingUnavailable(subject) : error;
  }
  const directory = path.dirname(real);
  await syncFolder(directory);
  if (staging !== directory) await syncFolder(staging);
}

async function writeNew(
  temporary: string,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  const handle = await open(temporary, NEW_FILE, 0o600);
  try {
    if (data instanceof Uint8Array) await handle.writeFile(data);
    else await writePieces(handle, data);
    if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid);
    // After chown, which may clear bits, and explicitly, because the umask cleared bits at open.
    await handle.chmod(options.mode);
    await handle.sync();
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
  if (existing === undefined) await syncFolder(path.dirname(real));
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
  await syncFolder(parent);
}

/** The parent of `directory`, for temporary files that the watcher of `directory` must not see. */
async function folderAbove(directory: string, root: HostPath, file: HostPath): Promise<string> {
  const real = await realpath(directory);
  if (real === '/' || real === (await realpath(root))) throw stagingUnavailable(file);
  const above = path.dirname(real);
  const [inside, outside] = await Promise.all([stat(real), stat(above)]);
  if (inside.dev !== outside.dev) throw stagingUnavailable(file);
  return above;
}

function stagingUnavailable(file: HostPath): HostError {
  return new HostError({
    code: 'HOST_STAGING_UNAVAILABLE',
    message: 'cannot stage the new file: no directory above the watched one is on the same filesystem',
    subject: file,
    hint: 'stop the kubelet or checkpointer that watches the directory, write the file by hand, and start it again',
  });
}

async function unlinkIfThere(file: string): Promise<void> {
  await unless(['ENOENT'], () => unlink(file));
}

/** Many backups are written to one directory at a time, and syncing a directory takes as long as a file. */
const syncFolder = createSharedSync(async (directory) => {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // EINVAL: this filesystem does not sync directories.
    await unless(['EINVAL'], () => handle.sync());
  } finally {
    await handle.close();
  }
});
