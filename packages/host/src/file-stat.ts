/** The permission bits of a file, for example `0o600`. */
export type FileMode = number;

/** The state of an inode; links are not followed. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits only, for example `0o644`. */
  readonly mode: FileMode;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly modifiedAt: Date;
}
