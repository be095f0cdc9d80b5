import path from 'node:path';
import { HostError } from './errors.ts';

declare const brand: unique symbol;

/** An absolute, normalised POSIX path on a {@link Host}; made by {@link hostPath} only. */
export type HostPath = string & { readonly [brand]: 'HostPath' };

/**
 * Parses a path on a host.
 *
 * @param text absolute POSIX path; `..` is resolved, a trailing slash is dropped
 * @throws HostError `HOST_PATH_INVALID` when it is relative, empty or contains a NUL byte
 */
export function hostPath(text: string): HostPath {
  if (!text.startsWith('/') || text.includes('\0')) {
    throw new HostError({
      code: 'HOST_PATH_INVALID',
      message: 'a path on a host must be absolute',
      subject: text,
      hint: 'use the path from the root, for example /etc/kubernetes',
    });
  }
  const normal = path.posix.normalize(text);
  return (normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal) as HostPath;
}

/** The parent directory of `of`. */
export function parentPath(of: HostPath): HostPath {
  return path.posix.dirname(of) as HostPath;
}

/** `segments` below `base`; an absolute last segment wins, as in a shell. */
export function joinPath(base: HostPath, ...segments: readonly string[]): HostPath {
  return path.posix.resolve(base, ...segments) as HostPath;
}

/** The last segment of a path. */
export function baseName(of: HostPath): string {
  return path.posix.basename(of);
}
