import type { FileStat } from './file-stat.ts';
import type { HostPath } from './host-path.ts';

/** One inode of a {@link TreeSnapshot}; links are not followed. */
export interface TreeEntry {
  readonly stat: FileStat;
  /** Of a symbolic link, as written. */
  readonly target?: string | undefined;
  /** Of a directory, sorted and complete. */
  readonly names?: readonly string[] | undefined;
  /** Of a regular file that is not larger than the limit. */
  readonly bytes?: Uint8Array | undefined;
}

/** What is at some paths and below them; `undefined` for a path where nothing is. */
export type TreeSnapshot = ReadonlyMap<HostPath, TreeEntry | undefined>;

export interface TreeLimits {
  /** Files, directories and links together. */
  readonly maxEntries: number;
  /** A larger file is without its bytes. */
  readonly maxFileBytes: number;
  /** Bytes of all files. */
  readonly maxBytes: number;
}
