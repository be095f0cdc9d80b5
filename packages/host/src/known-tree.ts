import type { FileStat } from './host.ts';
import { baseName, type HostPath, hostPath, joinPath, parentPath } from './host-path.ts';
import type { TreeEntry, TreeSnapshot } from './tree-snapshot.ts';

/** A known value; `undefined` itself: ask the machine. */
type Known<T> = { readonly value: T | undefined } | undefined;

/** Answers single reads from a snapshot, if it contains the path. */
export interface KnownTree {
  readFile(path: HostPath): Known<Uint8Array>;
  stat(path: HostPath): Known<FileStat>;
  list(path: HostPath): Known<readonly string[]>;
  readLink(path: HostPath): Known<string>;
}

const ABSENT = { value: undefined };
const MAX_LINKS = 8;
const ROOT = '/';

export function createKnownTree(tree: TreeSnapshot): KnownTree {
  const find = (path: HostPath): { readonly entry: TreeEntry | undefined } | undefined => {
    if (tree.has(path)) return { entry: tree.get(path) };
    return isBesideKnown(path, tree) ? { entry: undefined } : undefined;
  };
  /** Through links, as far as their targets are known. */
  const follow = (path: HostPath, links = MAX_LINKS): ReturnType<typeof find> => {
    const found = find(path);
    if (found?.entry?.stat.kind !== 'symlink') return found;
    const target = toPath(found.entry.target ?? '', path);
    return target === undefined || links === 0 ? undefined : follow(target, links - 1);
  };
  return {
    stat: (path) => {
      const found = find(path);
      return found && { value: found.entry?.stat };
    },
    readLink: (path) => {
      const found = find(path);
      return found && { value: found.entry?.target };
    },
    list: (path) => {
      const found = follow(path);
      return found && { value: found.entry?.names };
    },
    readFile: (path) => {
      const found = follow(path);
      if (found === undefined) return undefined;
      if (found.entry === undefined) return ABSENT;
      // The machine reads or refuses irregular and large files.
      return found.entry.bytes === undefined ? undefined : { value: found.entry.bytes };
    },
  };
}

/** Whether a path is known to be missing: its nearest known parent directory lacks it, or is itself missing. */
function isBesideKnown(path: HostPath, tree: TreeSnapshot): boolean {
  for (let below = path; below !== ROOT; below = parentPath(below)) {
    const above = parentPath(below);
    if (!tree.has(above)) continue;
    const entry = tree.get(above);
    return entry === undefined || (entry.names !== undefined && !entry.names.includes(baseName(below)));
  }
  return false;
}

/** The target of a link; `undefined` for a target with `..`, because a directory in it may be a link itself. */
function toPath(target: string, link: HostPath): HostPath | undefined {
  if (target === '' || target.split('/').includes('..')) return undefined;
  return target.startsWith(ROOT) ? hostPath(target) : joinPath(parentPath(link), target);
}
