import type { FileStat } from './file-stat.ts';
import type { HostPath } from './host-path.ts';

/** One inode of a {@link TreeSnapshot}; links are not followed. */
export interface TreeEntry {
  readonly stat: FileStat;
  /** Stored target of a symbolic link. */
  readonly target?: string | undefined;
  /** Names in a directory, sorted and complete. */
  readonly names?: readonly string[] | undefined;
  /** Content of a regular file up to the limit. */
  readonly bytes?: Uint8Array | undefined;
}

/** Everything at and below some paths; `undefined` for a missing path. */
export type TreeSnapshot = ReadonlyMap<HostPath, TreeEntry | undefined>;

export interface TreeLimits {
  /** Files, directories and links together. */
  readonly maxEntries: number;
  /** The snapshot omits the bytes of a larger file. */
  readonly maxFileBytes: number;
  /** Bytes of all files. */
  readonly maxBytes: number;
}
