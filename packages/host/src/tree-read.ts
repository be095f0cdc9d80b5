import type { HostFiles } from './host.ts';
import { type HostPath, joinPath } from './host-path.ts';
import type { TreeEntry, TreeLimits, TreeSnapshot } from './tree-snapshot.ts';

/** Reads a tree one by one, for machines with cheap reads. */
export async function readTreeOneByOne(
  files: Pick<HostFiles, 'stat' | 'readLink' | 'list' | 'readFile'>,
  paths: readonly HostPath[],
  limits: TreeLimits,
): Promise<TreeSnapshot | undefined> {
  const tree = new Map<HostPath, TreeEntry | undefined>();
  const waiting = [...paths];
  let bytesRead = 0;
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (tree.has(path)) continue;
    const entry = await readEntry(files, path, limits);
    bytesRead += entry?.bytes?.length ?? 0;
    tree.set(path, entry);
    if (tree.size > limits.maxEntries || bytesRead > limits.maxBytes) return undefined;
    for (const name of entry?.names ?? []) waiting.push(joinPath(path, name));
  }
  return tree;
}

async function readEntry(
  files: Pick<HostFiles, 'stat' | 'readLink' | 'list' | 'readFile'>,
  path: HostPath,
  { maxFileBytes }: TreeLimits,
): Promise<TreeEntry | undefined> {
  const stat = await files.stat(path);
  if (stat === undefined) return undefined;
  if (stat.kind === 'symlink') return { stat, target: await files.readLink(path) };
  if (stat.kind === 'directory') return { stat, names: await files.list(path) };
  return stat.kind === 'file' && stat.size <= maxFileBytes ? { stat, bytes: await files.readFile(path) } : { stat };
}
