import { type Change } from './change.ts';

/** SHA-256 of a file's bytes in lower-case hexadecimal, or `generated`. */
export type FileDigest = string;

/** State of a path: the SHA-256 of a file's bytes in lower-case hexadecimal, `absent`, or `link:` and a link's target. */
export type PathState = string;

/** Replaces or creates one regular file. */
export interface FileReplace extends Change {
  readonly kind: 'file.replace';
  /** The present state. */
  readonly before: PathState;
  /** The digest of the new bytes, or `generated` when they are generated during apply. */
  readonly after: FileDigest;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** A kubelet or checkpointer watches the directory: see `WriteOptions.watched`. */
  readonly watched?: boolean;
}

/** Removes one regular file or link. */
export interface FileRemove extends Change {
  readonly kind: 'file.remove';
  readonly before: PathState;
}

/** Changes the target of a symbolic link; replaces a regular file by a link. */
export interface LinkReplace extends Change {
  readonly kind: 'symlink.replace';
  readonly before: PathState;
  /** The new target, as written. */
  readonly after: string;
}

/** Restarts or starts a service. */
export interface ServiceRestart extends Change {
  readonly kind: 'service.restart';
}
