import type { FileStat } from './host.ts';
import { baseName, type HostPath, hostPath, joinPath, parentPath } from './host-path.ts';
import type { TreeEntry, TreeSnapshot } from './tree-snapshot.ts';

/** What is known; `undefined` instead of it: ask the machine. */
type Known<T> = { readonly value: T | undefined } | undefined;

/** Answers single reads from a snapshot, as far as it goes. */
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
      // What is no regular file, or large, is for the machine to read or refuse.
      return found.entry.bytes === undefined ? undefined : { value: found.entry.bytes };
    },
  };
}

/** Nothing is there: the nearest directory above it that is known does not name it, or something above it is known to be absent. */
function isBesideKnown(path: HostPath, tree: TreeSnapshot): boolean {
  for (let below = path; below !== ROOT; below = parentPath(below)) {
    const above = parentPath(below);
    if (!tree.has(above)) continue;
    const entry = tree.get(above);
    return entry === undefined || (entry.names !== undefined && !entry.names.includes(baseName(below)));
  }
  return false;
}

/** The target of a link; `undefined` where it goes up, because a directory on the way may be a link itself. */
function toPath(target: string, link: HostPath): HostPath | undefined {
  if (target === '' || target.split('/').includes('..')) return undefined;
  return target.startsWith(ROOT) ? hostPath(target) : joinPath(parentPath(link), target);
}
