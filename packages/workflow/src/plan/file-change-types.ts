import { type Change } from './change.ts';

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
