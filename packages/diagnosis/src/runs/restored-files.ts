import type { NodeReader } from '@kube-rescue/cert-rotation';
import { type HostFiles, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { textAt } from '@kube-rescue/cluster-objects';
import { groupUnits, type IntentRecord, readBefore, type RunDirectory } from '@kube-rescue/workflow';

/** A file as a rollback restores it. */
type Restored =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'link'; readonly target: string };

const FILE_KINDS = ['file.replace', 'file.remove', 'symlink.replace'];
const MAX_LINKS = 10;

/**
 * The changes that a rollback would undo now: without those of units with a file that another process has changed since, which are
 * left, and without those that are undone already.
 */
export async function listReversible(
  intents: readonly IntentRecord[],
  host: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
): Promise<readonly IntentRecord[]> {
  const reversible: IntentRecord[] = [];
  for (const unit of groupUnits(intents)) {
    const seen = new Set<string>();
    let isForeign = false;
    for (const { change, captured } of unit) {
      const isNewest = FILE_KINDS.includes(change.kind) && !seen.has(change.target);
      seen.add(change.target);
      if (!isNewest) continue;
      const present = await readBefore(host, change.target);
      isForeign ||= present !== textAt(captured, 'after') && present !== beforeOf(captured);
    }
    if (!isForeign) reversible.push(...unit);
  }
  return reversible;
}

/** The node as it would be after the undo of `intents`. */
export async function readRestored(
  intents: readonly IntentRecord[],
  host: NodeReader,
  { backup }: Pick<RunDirectory, 'backup'>,
): Promise<NodeReader> {
  const restored = new Map<HostPath, Restored>();
  // The oldest undo record of a file is replayed last.
  for (const { change, captured } of intents.toSorted((a, b) => b.seq - a.seq)) {
    if (!FILE_KINDS.includes(change.kind)) continue;
    const kept = textAt(captured, 'kept');
    const target = textAt(stateOf(captured), 'target');
    const file: Restored =
      target !== undefined
        ? { kind: 'link', target }
        : kept === undefined
          ? { kind: 'absent' }
          : { kind: 'file', bytes: await backup.read(kept) };
    restored.set(hostPath(change.target), file);
  }
  const readLink = async (path: HostPath): Promise<string | undefined> => {
    const file = restored.get(path);
    if (file !== undefined) return file.kind === 'link' ? file.target : undefined;
    return host.readLink(path);
  };
  const readFile = async (path: HostPath, links = 0): Promise<Uint8Array | undefined> => {
    const link = links < MAX_LINKS ? await readLink(path) : undefined;
    if (link !== undefined) {
      return readFile(link.startsWith('/') ? hostPath(link) : joinPath(parentPath(path), link), links + 1);
    }
    const file = restored.get(path);
    if (file === undefined) return host.readFile(path);
    return file.kind === 'file' ? file.bytes : undefined;
  };
  return {
    readFile: (path) => readFile(path),
    readLink,
    stat: async (path) => (restored.get(path)?.kind === 'absent' ? undefined : host.stat(path)),
    list: (path) => host.list(path),
  };
}

function stateOf(captured: IntentRecord['captured']): unknown {
  return typeof captured === 'object' && captured !== null && 'state' in captured ? captured.state : undefined;
}

function beforeOf(captured: IntentRecord['captured']): string {
  const target = textAt(stateOf(captured), 'target');
  return target === undefined ? (textAt(captured, 'kept') ?? 'absent') : `link:${target}`;
}
