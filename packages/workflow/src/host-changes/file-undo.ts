import { isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, hostPath, replacedPathOf, temporaryPathOf } from '@kube-rescue/host';
import type { BackupDirectory, Json, UndoOutcome, UndoPreview } from '../plan/change.ts';
import { beforeOf, type CapturedFile, type FileState, readFileState, toCapturedFile } from './file-state.ts';

/** The parts of a change to a file that its undo needs. */
interface FileTarget {
  readonly target: string;
  readonly watched?: boolean | undefined;
}

/** Reads the present state of a file and backs up its bytes; `after` is the state after the change, in the form of {@link beforeOf}. */
export async function captureFile(
  files: HostFiles,
  { target, watched }: FileTarget,
  after: string,
  backup: BackupDirectory,
): Promise<Json> {
  await keepHeld(files, { target, watched }, backup);
  const { state, bytes } = await readFileState(files, target);
  const kept = bytes === undefined ? undefined : await backup.keep(bytes);
  return toJson({ state, kept, after });
}

/** Looks at the file, and backs up the bytes that {@link undoFile} would replace. Checks that the old bytes can be read. */
export async function previewFileUndo(
  files: HostFiles,
  { target }: FileTarget,
  captured: Json,
  backup: BackupDirectory,
): Promise<UndoPreview> {
  const old = toCapturedFile(captured);
  const { state: present, bytes } = await readFileState(files, target);
  const verdict = judge(target, present, old);
  if (verdict !== undefined) return verdict;
  if (old.state.kind === 'file') await backup.read(old.kept ?? '');
  const kept = bytes === undefined ? undefined : await backup.keep(bytes);
  return { state: 'ready', kept, replaced: toJson({ state: present, kept, after: beforeOf(old.state) }) };
}

/** Restores the state of {@link captureFile}, unless another process has changed the target since, up to the last instant. */
export async function undoFile(
  files: HostFiles,
  { target, watched = false }: FileTarget,
  captured: Json,
  backup: BackupDirectory,
): Promise<UndoOutcome> {
  const old = toCapturedFile(captured);
  const { state: present } = await readFileState(files, target);
  await keepHeld(files, { target, watched }, backup);
  await removeIfThere(files, temporaryPathOf(hostPath(target), watched));
  const verdict = judge(target, present, old);
  if (verdict !== undefined) return verdict;
  try {
    await restore(files, hostPath(target), old, { watched, replaces: [beforeOf(present)] }, backup);
  } catch (error) {
    if (isRecoveryError(error, 'HOST_CHANGED')) return foreign(target);
    throw error;
  }
  return { state: 'undone' };
}

async function restore(
  files: HostFiles,
  path: HostPath,
  { state, kept }: CapturedFile,
  options: { readonly watched: boolean; readonly replaces: readonly string[] },
  backup: BackupDirectory,
): Promise<void> {
  if (state.kind === 'absent') return files.remove(path, options);
  const owner = { uid: state.uid, gid: state.gid };
  if (state.kind === 'link') return files.writeLink(path, state.target, { owner, replaces: options.replaces });
  await files.writeFile(path, await backup.read(kept ?? ''), { mode: state.mode, owner, ...options });
}

/** `undefined` when the file can be restored. */
function judge(
  target: string,
  present: FileState,
  { state: old, after }: CapturedFile,
): Exclude<UndoOutcome, { readonly state: 'undone' }> | undefined {
  if (JSON.stringify(present) === JSON.stringify(old)) return { state: 'already' };
  // The same bytes with another mode or owner are this run's as well: the write sets mode and owner before the rename.
  return beforeOf(present) === after || beforeOf(present) === beforeOf(old) ? undefined : foreign(target);
}

function foreign(target: string): Extract<UndoOutcome, { readonly state: 'foreign' }> {
  return { state: 'foreign', reason: `${target} was changed by another process since; not restored` };
}

/** A write that was killed in the middle of its exchange leaves the replaced file: another process may have written into it. */
async function keepHeld(files: HostFiles, { target, watched }: FileTarget, backup: BackupDirectory): Promise<void> {
  const held = replacedPathOf(hostPath(target), watched);
  if ((await files.stat(held))?.kind === 'file') await backup.keep((await files.readFile(held)) ?? new Uint8Array());
  await removeIfThere(files, held);
}

/** A killed write leaves its temporary file, which may contain a key. */
async function removeIfThere(files: HostFiles, path: HostPath): Promise<void> {
  if ((await files.stat(path)) !== undefined) await files.remove(path);
}

function toJson(captured: CapturedFile): Json {
  return JSON.parse(JSON.stringify(captured)) as Json;
}
