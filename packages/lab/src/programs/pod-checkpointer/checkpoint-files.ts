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
const FOLDER_MODE = 0o700;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const ROOT: Owner = { uid: 0, gid: 0 };

/**
 * The checkpoints in one of the two manifest folders, by their ids.
 *
 * Whatever begins with a dot is taken for a temporary file and deleted; a folder only if it is empty.
 */
export function readCheckpoints(folder: string, { log, detail }: Logs): ReadonlyMap<string, Pod> {
  const found = new Map<string, Pod>();
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name);
    if (name.startsWith('.')) {
      removeTemporary(path, detail);
      continue;
    }
    const pod = readManifest(path, log);
    if (pod === undefined || !isCheckpoint(pod)) continue;
    const id = podId(pod);
    if (found.has(id)) log('W', 'manifest.go:51', `Found multiple checkpoint pods in ${folder} with same id: ${id}`);
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
    const isFolder = (error as NodeJS.ErrnoException).code === 'EISDIR';
    log(
      'E',
      'manifest.go:39',
      `Error reading manifest: ${isFolder ? `read ${path}: is a directory` : reasonOf(error)}`,
    );
    return undefined;
  }
  try {
    const pod = JSON.parse(text) as Partial<Pod> & { kind?: string };
    if (pod.kind !== 'Pod' || pod.metadata === undefined || pod.spec === undefined) throw new Error('it is not a Pod');
    return pod as Pod;
  } catch (error) {
    log('E', 'manifest.go:45', `Error unmarshalling manifest from ${path}: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Writes a manifest unless its bytes are there already. @returns whether it was written */
export function writeManifest(path: string, id: string, bytes: Buffer, { log, detail }: Logs): boolean {
  if (readIfThere(path)?.equals(bytes) === true) {
    detail('manifest.go:77', `Checkpoint manifest for "${id}" already exists. Skipping`);
    return false;
  }
  log('I', 'manifest.go:80', `Writing manifest for "${id}" to "${path}"`);
  writeAndRename(path, bytes, MANIFEST_MODE, ROOT);
  return true;
}

/** Writes each entry to a file of its own, changed or not. Files of entries that are gone stay. */
export function writeEntries(folder: string, entries: ReadonlyMap<string, Buffer>, owner: Owner): void {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  chownSync(folder, owner.uid, owner.gid);
  for (const [key, bytes] of entries) writeAndRename(join(folder, key), bytes, SECRET_MODE, owner);
}

// In this order, in the same folder and without fsync: what a crash or a reader in between sees is the original's.
function writeAndRename(path: string, bytes: Buffer, mode: number, { uid, gid }: Owner): void {
  const temporary = join(dirname(path), `.${randomInt(100_000_000, 1_000_000_000)}`);
  writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
  chownSync(path, uid, gid);
}

/** Starts a checkpoint: its inactive manifest is copied to where the kubelet runs it. */
export function activate(folders: CheckpointDirectories, id: string, logs: Logs): void {
  try {
    const bytes = readFileSync(manifestPath(folders.inactive, id));
    writeManifest(manifestPath(folders.active, id), id, bytes, logs);
  } catch (error) {
    logs.log('E', 'process.go:326', `Failed to write active checkpoint manifest: ${reasonOf(error)}`);
  }
}

/** Stops a checkpoint: its active manifest is deleted. */
export function deactivate(folders: CheckpointDirectories, id: string, { log }: Logs): void {
  log('I', 'process.go:305', `Stopping active checkpoint: ${id}`);
  const path = manifestPath(folders.active, id);
  try {
    if (unlinkIfThere(path)) return;
    log('W', 'process.go:309', `Attempted to remove active checkpoint, but manifest no longer exists: ${path}`);
  } catch (error) {
    log('E', 'process.go:311', `Failed to stop active checkpoint ${id}: ${reasonOf(error)}`);
  }
}

/** Removes everything that could start a checkpoint again, its active manifest last. */
export function removeCheckpoint(folders: CheckpointDirectories, id: string, { log }: Logs): void {
  log('I', 'process.go:264', `Removing checkpoint of: ${id}`);
  try {
    rmSync(join(folders.secrets, id), { recursive: true, force: true });
    rmSync(join(folders.configMaps, id), { recursive: true, force: true });
    unlinkIfThere(manifestPath(folders.inactive, id));
    unlinkIfThere(manifestPath(folders.active, id));
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
