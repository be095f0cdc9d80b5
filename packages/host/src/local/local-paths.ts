import { readlink } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import { unless } from './fs-failure.ts';
import type { HostPath } from '../host-path.ts';

/** Resolves a path on the host to a path on this machine. */
export interface PathResolver {
  /** The entry itself: links in its parent directories are followed, a link at its end is not. */
  entry(of: HostPath): Promise<string>;
  /** The target of the path: every link is followed, including one at its end. */
  target(of: HostPath): Promise<string>;
}

/** Linux follows at most this many links for one path: path_resolution(7). */
const MAX_LINKS = 40;

/** Paths of the live machine: the kernel follows the links. */
export const livePaths: PathResolver = { entry: async (of) => of, target: async (of) => of };

/**
 * Paths below `root`, as chroot(2) would see them: an absolute link starts again at `root`, and `..` stops there.
 *
 * Does not protect against a process that replaces directories by links during the resolution.
 */
export function pathsBelow(root: HostPath): PathResolver {
  return { entry: (of) => resolve(root, of, false), target: (of) => resolve(root, of, true) };
}

async function resolve(root: HostPath, of: HostPath, followLast: boolean): Promise<string> {
  let pending = segmentsOf(of);
  let resolved: string[] = [];
  let links = 0;
  for (let segment = pending.shift(); segment !== undefined; segment = pending.shift()) {
    if (segment === '..') {
      resolved.pop();
      continue;
    }
    const entry = path.join(root, ...resolved, segment);
    const isLast = pending.length === 0;
    const link = isLast && !followLast ? undefined : await linkAt(entry);
    if (link === undefined) {
      resolved.push(segment);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw tooManyLinks(of);
    if (link.startsWith('/')) resolved = [];
    pending = [...segmentsOf(link), ...pending];
  }
  return path.join(root, ...resolved);
}

function segmentsOf(text: string): string[] {
  return text.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function linkAt(entry: string): Promise<string | undefined> {
  return unless(['EINVAL', 'ENOENT', 'ENOTDIR'], () => readlink(entry));
}

function tooManyLinks(of: HostPath): HostError {
  return new HostError({
    code: 'HOST_PATH_INVALID',
    message: 'too many symbolic links',
    subject: of,
    hint: 'find the symlink loop with namei -l',
  });
}
