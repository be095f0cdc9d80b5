import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import type { Change, Edit, Finding } from '@kube-rescue/workflow';

import { proveEdits } from './written-content.ts';
/** The finding of one credential, with its changes. */
export interface FileFinding extends Finding {
  readonly changes: readonly Change[];
}

/** One credential of a node: whether its files must change, and their new bytes. Reads only. */
export interface FilePlan {
  readonly check: () => Promise<FileFinding>;
  /** The bytes for the changes of a finding; may include private keys. */
  readonly render: (changes: readonly Change[]) => Promise<readonly Edit[]>;
}

export type NodeReader = Pick<HostFiles, 'readFile' | 'readLink' | 'stat' | 'list'>;

/** The new files of a node, not written yet. */
export interface RenewedFiles {
  /** Files with new bytes; includes private keys. */
  readonly files: ReadonlyMap<HostPath, Uint8Array>;
  /** Changes of links, and files to remove. */
  readonly otherChanges: readonly Change[];
  readonly evidence: readonly string[];
  /** Findings that block the renewal; usually empty. */
  readonly blocked: readonly FileFinding[];
  /** Reads the node as if `files` were written. */
  readonly after: NodeReader;
}

/**
 * Renders plans one after the other, each with the files of the earlier ones; writes nothing.
 *
 * @param listPlans makes the plans, which must read through the given reader
 */
export async function renderPlans(
  reader: NodeReader,
  listPlans: (reader: NodeReader) => Promise<readonly FilePlan[]>,
  signal?: AbortSignal,
): Promise<RenewedFiles> {
  const files = new Map<HostPath, Uint8Array>();
  const otherChanges: Change[] = [];
  const evidence: string[] = [];
  const blocked: FileFinding[] = [];
  const after: NodeReader = {
    readFile: async (path) => files.get(path) ?? (await reader.readFile(path)),
    readLink: (path) => reader.readLink(path),
    stat: (path) => reader.stat(path),
    list: (path) => reader.list(path),
  };
  for (const plan of await listPlans(after)) {
    signal?.throwIfAborted();
    const finding = await plan.check();
    if (finding.status === 'ok') continue;
    if (finding.status !== 'needed') {
      // A plan that waits for a blocked plan adds no information.
      if ((finding.waitsFor ?? []).length === 0 || blocked.length === 0) blocked.push(finding);
      continue;
    }
    for (const { change, material } of await proveEdits(await plan.render(finding.changes), after)) {
      if (change.kind === 'file.replace' && material !== undefined) files.set(hostPath(change.target), material);
      else otherChanges.push(change);
    }
    evidence.push(finding.summary, ...finding.evidence);
  }
  return { files, otherChanges, evidence, blocked, after };
}
