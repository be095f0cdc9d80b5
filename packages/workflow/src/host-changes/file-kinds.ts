import { type HostFiles, hostPath, parentPath } from '@kube-rescue/host';
import type { ChangeKind } from '../plan/change.ts';
import type { FileRemove, FileReplace, LinkReplace } from '../plan/file-change-types.ts';
import { sha256 } from '../plan/digest.ts';
import { WorkflowError } from '../errors.ts';
import { assertDiskSpace } from '../run/disk-space.ts';
import { beforeOf, describeDifference, readFileState } from './file-state.ts';
import { captureFile, undoFile } from './file-undo.ts';

/** `file.replace`: writes one regular file with its mode and owner. */
export function fileReplaceKind(files: HostFiles): ChangeKind<FileReplace> {
  return {
    kind: 'file.replace',
    undoOrder: 'reverse',
    describe: (change) =>
      `${change.before === 'absent' ? 'create' : 'replace'} ${change.target} (${change.mode.toString(8).padStart(4, '0')})`,
    preflight: (change) => assertDiskSpace(files, parentPath(hostPath(change.target))),
    staleness: (change) => stalenessOf(files, change),
    capture: (change, after, backup) => captureFile(files, change.target, after ?? '', backup),
    apply: async (change, material) => {
      if (material === undefined) throw new Error(`file.replace of ${change.target} has no bytes to write`);
      const { mode, uid, gid, watched } = change;
      await assertUnchanged(files, change, material);
      await files.writeFile(hostPath(change.target), material, { mode, owner: { uid, gid }, watched });
    },
    undo: (change, captured, backup) => undoFile(files, change.target, captured, backup, change.watched ?? false),
  };
}

/** `file.remove`: removes one regular file. */
export function fileRemoveKind(files: HostFiles): ChangeKind<FileRemove> {
  return {
    kind: 'file.remove',
    undoOrder: 'reverse',
    describe: (change) => `remove ${change.target}`,
    preflight: (change) => assertDiskSpace(files, parentPath(hostPath(change.target))),
    staleness: (change) => stalenessOf(files, change),
    capture: (change, _after, backup) => captureFile(files, change.target, 'absent', backup),
    apply: (change) => files.remove(hostPath(change.target)),
    undo: (change, captured, backup) => undoFile(files, change.target, captured, backup, false),
  };
}

/** `symlink.replace`: points a symbolic link somewhere else. */
export function linkReplaceKind(files: HostFiles): ChangeKind<LinkReplace> {
  return {
    kind: 'symlink.replace',
    undoOrder: 'reverse',
    describe: (change) => `point ${change.target} at ${change.after}`,
    preflight: (change) => assertDiskSpace(files, parentPath(hostPath(change.target))),
    staleness: (change) => stalenessOf(files, change),
    capture: (change, _after, backup) => captureFile(files, change.target, `link:${change.after}`, backup),
    apply: async (change) => {
      const { state } = await readFileState(files, change.target);
      const owner = state.kind === 'absent' ? undefined : { uid: state.uid, gid: state.gid };
      await files.writeLink(hostPath(change.target), change.after, { owner });
    },
    undo: (change, captured, backup) => undoFile(files, change.target, captured, backup, false),
  };
}

/**
 * Reads the file again right before the write: stopping a kubelet may take a while between the check of a unit and the write of one
 * of its files, and a concurrent write must not be overwritten. A file with the new bytes already is accepted.
 */
async function assertUnchanged(files: HostFiles, change: FileReplace, material: Uint8Array): Promise<void> {
  const { state } = await readFileState(files, change.target);
  if ([change.before, sha256(material)].includes(beforeOf(state))) return;
  throw new WorkflowError({
    code: 'PLAN_STALE',
    message: `not overwritten: ${change.target} has changed since the check`,
    subject: change.target,
    hint: 'another process is writing this file; find it, then plan again',
  });
}

async function stalenessOf(
  files: HostFiles,
  change: { readonly target: string; readonly before: string },
): Promise<string | undefined> {
  const { state } = await readFileState(files, change.target);
  return describeDifference(change.target, change.before, state);
}
