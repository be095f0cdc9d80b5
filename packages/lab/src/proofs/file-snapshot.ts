import type { LabDeps } from '../machine/lab-deps.ts';
import { type EquippedNode, runOnNode } from '../cluster/node-command.ts';

/** The directories that a recovery may change and a rollback must restore. */
const TREES = ['/etc/kubernetes', '/var/lib/kubelet/pki'] as const;

/** Every file, directory and link below these directories, by path: kind, mode, owner, and the SHA-256 or target. */
export type FileSnapshot = Readonly<Record<string, string>>;

/** Records every file that a recovery may change, with find and sha256sum; times are ignored. */
export async function snapshotFiles(cluster: EquippedNode, deps: LabDeps): Promise<FileSnapshot> {
  const listing = await runOnNode(cluster, ['find', ...TREES, '-printf', '%p\\t%y %m %U:%G %l\\n'], deps);
  const find = ['find', ...TREES, '-type', 'f', '-exec', 'sha256sum', '{}', '+'] as const;
  const digests = await runOnNode(cluster, find, deps);
  return parseSnapshot(listing.stdout, digests.stdout);
}

/**
 * @param listing lines of path, tab and the output of find
 * @param digests lines as sha256sum prints them
 */
export function parseSnapshot(listing: string, digests: string): FileSnapshot {
  const digestOf = new Map([...digests.matchAll(/^([0-9a-f]{64}) {2}(.*)$/gm)].map(([, hash, path]) => [path, hash]));
  const entries = [...listing.matchAll(/^([^\t\n]+)\t(.*)$/gm)].map(([, path = '', about = '']) => {
    return [path, `${about} ${digestOf.get(path) ?? ''}`.trim().replaceAll(/ +/g, ' ')] as const;
  });
  return Object.fromEntries(entries);
}
