import { type HostFiles, hostPath, parentPath } from '@kube-rescue/host';
import type { Change } from './change.ts';
import { beforeOf, readFileState } from './host-changes/file-state.ts';

/** SHA-256 of a file's bytes in lower-case hexadecimal, or `generated`. */
export type FileDigest = string;

/** What is at a path: the SHA-256 of a file's bytes in lower-case hexadecimal, `absent`, or `link:` and a link's target. */
export type PathState = string;

/** Replaces or creates one regular file. */
export interface FileReplace extends Change {
  readonly kind: 'file.replace';
  /** What is there now. */
  readonly before: PathState;
  /** The digest of the new bytes, or `generated` when they are made while applying. */
  readonly after: FileDigest;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The folder is run or swept by a kubelet or checkpointer: see `WriteOptions.watched`. */
  readonly watched?: boolean;
}

/** Removes one regular file or link. */
export interface FileRemove extends Change {
  readonly kind: 'file.remove';
  readonly before: PathState;
}

/** Points a symbolic link somewhere else; a regular file in its place becomes a link. */
export interface LinkReplace extends Change {
  readonly kind: 'symlink.replace';
  readonly before: PathState;
  /** The new target, as it will be written. */
  readonly after: string;
}

/** Makes a service read its files again, or starts it. */
export interface ServiceRestart extends Change {
  readonly kind: 'service.restart';
}

/** The state of a path as a change's `before` says it: a digest, `absent`, or `link:TARGET`. */
export async function readBefore(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  target: string,
): Promise<PathState> {
  return beforeOf((await readFileState(files, target)).state);
}

/**
 * Plans the replacement of a file, keeping its mode and owner. A new file gets `fallbackMode` and the owner of its folder.
 *
 * @param after digest of the new bytes, or `generated`
 */
export async function describeReplacement(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  input: {
    readonly target: string;
    readonly after: FileDigest;
    readonly fallbackMode: number;
    readonly watched?: boolean;
  },
): Promise<FileReplace> {
  const { state } = await readFileState(files, input.target);
  const owner = state.kind === 'absent' ? await files.stat(parentPath(hostPath(input.target))) : state;
  return {
    kind: 'file.replace',
    target: input.target,
    before: beforeOf(state),
    after: input.after,
    mode: state.kind === 'file' ? state.mode : input.fallbackMode,
    uid: owner?.uid ?? 0,
    gid: owner?.gid ?? 0,
    ...(input.watched === true ? { watched: true } : {}),
  };
}
