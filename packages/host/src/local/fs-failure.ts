import { HostError, type HostErrorCode } from '../errors.ts';

interface Translation {
  readonly code: HostErrorCode;
  readonly reason: string;
  readonly hint: string;
}

const DENIED: Translation = {
  code: 'HOST_PERMISSION_DENIED',
  reason: 'permission denied',
  hint: 'run as root, and check the immutable attribute with lsattr',
};
const NO_SPACE: Translation = {
  code: 'HOST_NO_SPACE',
  reason: 'no space left on the filesystem',
  hint: 'free some space (df, and df -i for inodes), then run again',
};
const NOT_REGULAR: Translation = {
  code: 'HOST_NOT_A_REGULAR_FILE',
  reason: 'not a regular file',
  hint: 'check the file with ls -l and move it away',
};
const IN_THE_WAY: Translation = {
  code: 'HOST_PATH_INVALID',
  reason: 'a part of the path is not a directory',
  hint: 'check each part of the path with namei -l and move the obstacle away',
};

/** Error numbers: errno(3) of Linux. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  ENOENT: {
    code: 'HOST_NOT_FOUND',
    reason: 'no such file or directory',
    hint: 'check the path; its directory must exist',
  },
  EACCES: { ...DENIED, hint: 'run as root, for example with sudo' },
  EPERM: DENIED,
  EROFS: {
    code: 'HOST_READ_ONLY',
    reason: 'the filesystem is read-only',
    hint: 'see in dmesg why it is read-only, then remount it with: mount -o remount,rw',
  },
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EISDIR: NOT_REGULAR,
  ENXIO: NOT_REGULAR,
  ENOTDIR: IN_THE_WAY,
  EEXIST: IN_THE_WAY,
  ELOOP: {
    code: 'HOST_PATH_INVALID',
    reason: 'too many symbolic links',
    hint: 'find the symlink loop with namei -l',
  },
  ENAMETOOLONG: { code: 'HOST_PATH_INVALID', reason: 'the name is too long', hint: 'use a shorter path' },
};

const OTHER: Omit<Translation, 'reason'> = {
  code: 'HOST_IO',
  hint: 'check dmesg for disk errors, then run again',
};

/** The `errno` name of a failed system call, for example `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Translates the failure of a system call. */
export function fsFailure(error: Error, attempted: string, subject: string): HostError {
  const errno = errnoOf(error) ?? 'unknown error';
  const { code, reason, hint } = TRANSLATIONS[errno] ?? { ...OTHER, reason: errno };
  return new HostError({ code, message: `cannot ${attempted}: ${reason}`, subject, hint, cause: error });
}

/** Runs `work` and translates failures of system calls to `HostError`; bugs are rethrown. */
export async function translated<T>(attempted: string, subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw fsFailure(error, attempted, subject);
    throw error;
  }
}

/** The result of `work`, or `undefined` when it fails with one of `errnos`. */
export async function unless<T>(errnos: readonly string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (errnos.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
