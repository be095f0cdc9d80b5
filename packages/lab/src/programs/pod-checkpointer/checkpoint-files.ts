import { randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf } from '../program.ts';
import { type CheckpointDirectories, manifestPath } from './checkpoint-paths.ts';
import type { Logs } from './glog.ts';
import { isCheckpoint, type Pod, podId } from './pod.ts';

const MANIFEST_MODE = 0o644;
const SECRET_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const ROOT: Owner = { uid: 0, gid: 0 };

/**
 * The checkpoints in one of the two manifest directories, by their ids.
 *
 * Names that begin with a dot count as temporary and are deleted; directories only if they are empty.
 */
export function readCheckpoints(directory: string, { log, detail }: Logs): ReadonlyMap<string, Pod> {
  const found = new Map<string, Pod>();
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    if (name.startsWith('.')) {
      removeTemporary(path, detail);
      continue;
    }
    const pod = readManifest(path, log);
    if (pod === undefined || !isCheckpoint(pod)) continue;
    const id = podId(pod);
    if (found.has(id)) log('W', 'manifest.go:51', `Found multiple checkpoint pods in ${directory} with same id: ${id}`);
    found.set(id, pod);
  }
  return found;
}

function removeTemporary(path: string, detail: Logs['detail']): void {
  detail('manifest.go:30', `Found temporary checkpoint ${path}, removing.`);
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmdirSync(path);
    else unlinkSync(path);
  } catch (error) {
    detail('manifest.go:32', `Error removing temporary checkpoint ${path}: ${reasonOf(error)}.`);
  }
}

function readManifest(path: string, log: Logs['log']): Pod | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const isDirectory = (error as NodeJS.ErrnoException).code === 'EISDIR';
    log(
      'E',
      'manifest.go:39',
      `Error reading manifest: ${isDirectory ? `read ${path}: is a directory` : reasonOf(error)}`,
    );
    return undefined;
  }
  try {
    const pod = JSON.parse(text) as Partial<Pod> & { kind?: string };
    if (pod.kind !== 'Pod' || pod.metadata === undefined || pod.spec === undefined)
      throw new Error('the manifest is not a Pod');
    return pod as Pod;
  } catch (error) {
    log('E', 'manifest.go:45', `Error unmarshalling manifest from ${path}: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Writes a manifest unless the file has the same bytes. @returns whether it was written */
export function writeManifest(path: string, id: string, bytes: Buffer, { log, detail }: Logs): boolean {
  if (readIfThere(path)?.equals(bytes) === true) {
    detail('manifest.go:77', `Checkpoint manifest for "${id}" already exists. Skipping`);
    return false;
  }
  log('I', 'manifest.go:80', `Writing manifest for "${id}" to "${path}"`);
  writeAndRename(path, bytes, MANIFEST_MODE, ROOT);
  return true;
}

/** Writes each entry to a separate file, changed or not. Files of removed entries stay. */
export function writeEntries(directory: string, entries: ReadonlyMap<string, Buffer>, owner: Owner): void {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  chownSync(directory, owner.uid, owner.gid);
  for (const [key, bytes] of entries) writeAndRename(join(directory, key), bytes, SECRET_MODE, owner);
}

// In this order, in the same directory and without fsync, so that a crash or a concurrent reader finds the files of the original.
function writeAndRename(path: string, bytes: Buffer, mode: number, { uid, gid }: Owner): void {
  const temporary = join(dirname(path), `.${randomInt(100_000_000, 1_000_000_000)}`);
  writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
  chownSync(path, uid, gid);
}

/** Starts a checkpoint: copies its inactive manifest to the kubelet's manifest directory. */
export function activate(directories: CheckpointDirectories, id: string, logs: Logs): void {
  try {
    const bytes = readFileSync(manifestPath(directories.inactive, id));
    writeManifest(manifestPath(directories.active, id), id, bytes, logs);
  } catch (error) {
    logs.log('E', 'process.go:326', `Failed to write active checkpoint manifest: ${reasonOf(error)}`);
  }
}

/** Stops a checkpoint: deletes its active manifest. */
export function deactivate(directories: CheckpointDirectories, id: string, { log }: Logs): void {
  log('I', 'process.go:305', `Stopping active checkpoint: ${id}`);
  const path = manifestPath(directories.active, id);
  try {
    if (unlinkIfThere(path)) return;
    log('W', 'process.go:309', `Attempted to remove active checkpoint, but manifest no longer exists: ${path}`);
  } catch (error) {
    log('E', 'process.go:311', `Failed to stop active checkpoint ${id}: ${reasonOf(error)}`);
  }
}

/** Removes all files of a checkpoint, the active manifest last. */
export function removeCheckpoint(directories: CheckpointDirectories, id: string, { log }: Logs): void {
  log('I', 'process.go:264', `Removing checkpoint of: ${id}`);
  try {
    rmSync(join(directories.secrets, id), { recursive: true, force: true });
    rmSync(join(directories.configMaps, id), { recursive: true, force: true });
    unlinkIfThere(manifestPath(directories.inactive, id));
    unlinkIfThere(manifestPath(directories.active, id));
  } catch (error) {
    log('E', 'process.go:285', `Failed to remove checkpoint ${id}: ${reasonOf(error)}`);
  }
}

function unlinkIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
