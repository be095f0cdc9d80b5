import { type HostFiles, hostPath, temporaryPathOf } from '@kube-rescue/host';
import type { BackupDirectory, Json, UndoOutcome } from '../plan/change.ts';
import { beforeOf, type CapturedFile, readFileState, toCapturedFile } from './file-state.ts';

/** Reads the present state of `target` and backs up its bytes; `after` is the state after the change, in the form of {@link beforeOf}. */
export async function captureFile(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  target: string,
  after: string,
  backup: BackupDirectory,
): Promise<Json> {
  const { state, bytes } = await readFileState(files, target);
  const kept = bytes === undefined ? undefined : await backup.keep(bytes);
  const captured: CapturedFile = { state, kept, after };
  return JSON.parse(JSON.stringify(captured)) as Json;
}

/** Restores the state of {@link captureFile}, unless another process has changed the target since. */
export async function undoFile(
  files: HostFiles,
  target: string,
  captured: Json,
  backup: BackupDirectory,
  watched: boolean,
): Promise<UndoOutcome> {
  const { state: old, kept, after } = toCapturedFile(captured);
  const { state: present } = await readFileState(files, target);
  await removeTemporary(files, target, watched);
  if (JSON.stringify(present) === JSON.stringify(old)) return { state: 'already' };
  // The same bytes with another mode or owner are this run's as well: the write sets mode and owner before the rename.
  if (beforeOf(present) !== after && beforeOf(present) !== beforeOf(old)) {
    return { state: 'foreign', reason: `${target} was changed by another process since; not restored` };
  }
  const path = hostPath(target);
  if (old.kind === 'absent') {
    await files.remove(path);
  } else if (old.kind === 'link') {
    await files.writeLink(path, old.target, { owner: { uid: old.uid, gid: old.gid } });
  } else {
    const bytes = await backup.read(kept ?? '');
    await files.writeFile(path, bytes, { mode: old.mode, owner: { uid: old.uid, gid: old.gid }, watched });
  }
  return { state: 'undone' };
}

/** A killed write leaves its temporary file, which may contain a key. */
async function removeTemporary(files: HostFiles, target: string, watched: boolean): Promise<void> {
  const temporary = temporaryPathOf(hostPath(target), watched);
  if ((await files.stat(temporary)) !== undefined) await files.remove(temporary);
}
