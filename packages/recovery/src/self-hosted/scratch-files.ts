import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { Finding, Step, StepJournal } from '@kube-rescue/workflow';
import { NodeError } from '@kube-rescue/node';

/** What it takes to look at a node's files. */
export type ReadableFiles = Pick<Host, 'readFile' | 'readLink' | 'stat' | 'list'>;

/** Files that are written in memory only, over those that are really there. */
export interface ScratchFiles {
  /** Shows what was written in the place of what is there. */
  readonly files: ReadableFiles;
  readonly journal: StepJournal;
  readonly written: ReadonlyMap<HostPath, Uint8Array>;
}

export function createScratchFiles(under: ReadableFiles): ScratchFiles {
  const written = new Map<HostPath, Uint8Array>();
  return {
    written,
    files: { ...under, readFile: async (path) => written.get(path) ?? (await under.readFile(path)) },
    journal: {
      waitingFor: () => undefined,
      perform: async (edits) => {
        for (const { change, material } of edits) {
          if (change.kind !== 'file.replace' || material === undefined) throw cannotRender(change.target);
          written.set(hostPath(change.target), material);
        }
      },
    },
  };
}

/**
 * Makes the steps of a certificate rotation in memory: what they would write is in the scratch files afterwards, for whoever
 * keeps some of it elsewhere than in files, and all of it as one unit.
 *
 * @throws NodeError `CERTIFICATES_BLOCKED` with every reason at once; whatever the steps throw
 */
export async function makeInScratch(
  steps: readonly Step[],
  scratch: ScratchFiles,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const evidence: string[] = [];
  const blocked: Finding[] = [];
  for (const step of steps) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    if (finding.status !== 'needed') {
      // What waits for a step that is itself blocked adds nothing.
      if ((finding.waitsFor ?? []).length === 0 || blocked.length === 0) blocked.push(finding);
      continue;
    }
    await step.apply(step.plan(finding), scratch.journal, signal);
    evidence.push(finding.summary, ...finding.evidence);
  }
  const [first] = blocked;
  if (first === undefined) return evidence;
  throw new NodeError({
    code: 'CERTIFICATES_BLOCKED',
    message: blocked.map(({ summary }) => summary).join('; '),
    subject: first.subject ?? 'the certificates of the control plane',
    hint: `give a set of certificates with --certs DIR; or ${first.hint ?? 'cure what is named here'}`,
  });
}

function cannotRender(subject: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message:
      'the kubelet of a self-hosted node keeps its certificate in a store of its own, which is not supported yet',
    subject,
    hint: 'embed the certificate in its kubeconfig',
  });
}
