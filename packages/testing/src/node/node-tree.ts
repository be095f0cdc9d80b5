import { type FileStat, type Host, type HostPath, hostPath, parentPath } from '@kube-rescue/host';

/** One file or link of a node. */
export type TreeEntry = (
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
) & { readonly owner?: { readonly uid: number; readonly gid: number } };

/** Files and links of a node by their paths; directories are implied. */
export type NodeTree = ReadonlyMap<HostPath, TreeEntry>;

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/** A tree from texts: `treeOf({ '/etc/hostname': 'node01' })`, each file with mode 0644. */
export function treeOf(files: Readonly<Record<string, string>>): NodeTree {
  return new Map(
    Object.entries(files).map(([file, text]) => [
      hostPath(file),
      { kind: 'file', bytes: Buffer.from(text), mode: FILE_MODE },
    ]),
  );
}

/** Writes a tree and its directories to a host. */
export async function plantTree(host: Host, tree: NodeTree): Promise<void> {
  for (const directory of new Set([...tree.keys()].map(parentPath))) {
    await host.makeDirectory(directory, { mode: DIRECTORY_MODE });
  }
  for (const [path, entry] of tree) {
    if (entry.kind === 'file') await host.writeFile(path, entry.bytes, { mode: entry.mode, owner: entry.owner });
    else await host.writeLink(path, entry.target, { owner: entry.owner });
  }
}

function ownerOf({ uid, gid }: FileStat): { readonly uid: number; readonly gid: number } {
  return { uid, gid };
}

/** Every file and link below `directory`, for a comparison of before and after. */
export async function readTree(host: Host, directory: HostPath): Promise<NodeTree> {
  const tree = new Map<HostPath, TreeEntry>();
  for (const name of (await host.list(directory)) ?? []) {
    const path = hostPath(`${directory}/${name}`);
    const stat = await host.stat(path);
    if (stat?.kind === 'directory') {
      for (const [inner, entry] of await readTree(host, path)) tree.set(inner, entry);
    } else if (stat?.kind === 'symlink') {
      tree.set(path, { kind: 'link', target: (await host.readLink(path)) ?? '', owner: ownerOf(stat) });
    } else if (stat?.kind === 'file') {
      const bytes = (await host.readFile(path)) ?? new Uint8Array();
      tree.set(path, { kind: 'file', bytes, mode: stat.mode, owner: ownerOf(stat) });
    }
  }
  return tree;
}
