import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { type HostFiles, hostPath, parentPath } from '@kube-rescue/host';
import type { ChangeKind } from '../plan/change.ts';
import type { FileRemove, FileReplace, LinkReplace } from '../plan/file-change-types.ts';
import { sha256 } from '../plan/digest.ts';
import { WorkflowError } from '../errors.ts';
import { assertDiskSpace, assertReplaceable } from '../run/disk-space.ts';
import { describeDifference, readFileState } from './file-state.ts';
import { captureFile, previewFileUndo, undoFile } from './file-undo.ts';

/** `file.replace`: writes one regular file with its mode and owner. */
export function fileReplaceKind(files: HostFiles): ChangeKind<FileReplace> {
  return {
    kind: 'file.replace',
    undoOrder: 'reverse',
    describe: (change) =>
      `${change.before === 'absent' ? 'create' : 'replace'} ${change.target} (${change.mode.toString(8).padStart(4, '0')})`,
    preflight: (change) => assertReplaceable(files, hostPath(change.target)),
    staleness: (change) => stalenessOf(files, change),
    capture: (change, after, backup) => captureFile(files, change, after ?? '', backup),
    apply: async (change, material) => {
      if (material === undefined) throw new Error(`file.replace of ${change.target} has no bytes to write`);
      const { mode, uid, gid, watched } = change;
      const replaces = [change.before, sha256(material)];
      const options = { mode, owner: { uid, gid }, watched, replaces };
      await unlessChanged(change.target, files.writeFile(hostPath(change.target), material, options));
    },
    previewUndo: (change, captured, backup) => previewFileUndo(files, change, captured, backup),
    undo: (change, captured, backup) => undoFile(files, change, captured, backup),
  };
}

/** `file.remove`: removes one regular file. */
export function fileRemoveKind(files: HostFiles): ChangeKind<FileRemove> {
  return {
    kind: 'file.remove',
    undoOrder: 'reverse',
    describe: (change) => `remove ${change.target}`,
    preflight: (change) => assertReplaceable(files, hostPath(change.target)),
    staleness: (change) => stalenessOf(files, change),
    capture: (change, _after, backup) => captureFile(files, change, 'absent', backup),
    apply: ({ target, before }) =>
      unlessChanged(target, files.remove(hostPath(target), { replaces: [before, 'absent'] })),
    previewUndo: (change, captured, backup) => previewFileUndo(files, change, captured, backup),
    undo: (change, captured, backup) => undoFile(files, change, captured, backup),
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
    capture: (change, _after, backup) => captureFile(files, change, `link:${change.after}`, backup),
    apply: async (change) => {
      const { state } = await readFileState(files, change.target);
      const owner = state.kind === 'absent' ? undefined : { uid: state.uid, gid: state.gid };
      const replaces = [change.before, `link:${change.after}`];
      await unlessChanged(change.target, files.writeLink(hostPath(change.target), change.after, { owner, replaces }));
    },
    previewUndo: (change, captured, backup) => previewFileUndo(files, change, captured, backup),
    undo: (change, captured, backup) => undoFile(files, change, captured, backup),
  };
}

/**
 * The write compares what it replaces at its last instant: stopping a kubelet may take a while between the check of a unit and
 * the write of one of its files, and a concurrent write must not be overwritten. A file with the new bytes already is accepted.
 */
async function unlessChanged(target: string, written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (error) {
    throw isRecoveryError(error, 'HOST_CHANGED') ? hasChanged(target, error) : error;
  }
}

function hasChanged(target: string, cause?: RecoveryError): WorkflowError {
  return new WorkflowError({
    code: 'PLAN_STALE',
    message: `not overwritten: ${target} has changed since the check`,
    subject: target,
    hint: 'another process is writing this file; find it, then plan again',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function stalenessOf(
  files: HostFiles,
  change: { readonly target: string; readonly before: string },
): Promise<string | undefined> {
  const { state } = await readFileState(files, change.target);
  return describeDifference(change.target, change.before, state);
}
