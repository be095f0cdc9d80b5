import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import type { Change, Edit, Finding } from '@kube-rescue/workflow';

/** What was found about one credential, with the changes that follow from it. */
export interface FileFinding extends Finding {
  readonly changes: readonly Change[];
}

/** One credential of a node: whether its files have to change, and the bytes that they are to have. Reads only. */
export interface FilePlan {
  readonly check: () => Promise<FileFinding>;
  /** The bytes for the changes of a finding; private keys may be among them. */
  readonly render: (changes: readonly Change[]) => Promise<readonly Edit[]>;
}

export type NodeReader = Pick<HostFiles, 'readFile' | 'readLink' | 'stat' | 'list'>;

/** The files of a node as they are to be. Nothing of it has been written. */
export interface RenewedFiles {
  /** The files with other bytes than now; private keys are among them. */
  readonly files: ReadonlyMap<HostPath, Uint8Array>;
  /** Changes that are not the bytes of a file: links, files to remove. */
  readonly otherChanges: readonly Change[];
  readonly evidence: readonly string[];
  /** What cannot be renewed; empty when everything can. */
  readonly blocked: readonly FileFinding[];
  /** Reads the node as it would be with `files` written. */
  readonly after: NodeReader;
}

/**
 * Works plans out one after the other, each with the files of those before it, and writes nothing.
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
      // What waits for a plan that is itself blocked adds nothing.
      if ((finding.waitsFor ?? []).length === 0 || blocked.length === 0) blocked.push(finding);
      continue;
    }
    for (const { change, material } of await plan.render(finding.changes)) {
      if (change.kind === 'file.replace' && material !== undefined) files.set(hostPath(change.target), material);
      else otherChanges.push(change);
    }
    evidence.push(finding.summary, ...finding.evidence);
  }
  return { files, otherChanges, evidence, blocked, after };
}
