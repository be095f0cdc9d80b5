import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type FakeHost, treeOf } from '@kube-rescue/testing';
import {
  type BackupSeal,
  createChangeRegistry,
  type Edit,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  readBefore,
  type RunInput,
  type RunResult,
  runPlaybook,
  type Step,
  type WorkflowDeps,
} from '../index.ts';

export const A = hostPath('/etc/demo/a');
export const B = hostPath('/etc/demo/b');

const clock = createFixedClock('2026-11-22T12:00:00Z');

/** A host with two old files. */
export function demoHost(): FakeHost {
  return createFakeHost({ tree: treeOf({ [A]: 'old a', [B]: 'old b' }), services: { kubelet: 'running' } });
}

export function demoDeps(host: Host, seal?: BackupSeal): WorkflowDeps {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  return { host, clock, kinds, store: openRunStore(host, undefined, seal), onEvent: () => undefined };
}

export async function textAt(host: Host, file: HostPath): Promise<string> {
  return Buffer.from((await host.readFile(file)) ?? []).toString();
}

/** An edit from the present state of `target` to `text`. */
export async function edit(host: Host, target: HostPath, text: string): Promise<Edit> {
  const before = await readBefore(host, target);
  const change = { kind: 'file.replace', target, before, after: 'generated', mode: 0o600, uid: 0, gid: 0 };
  return { change, material: Buffer.from(text) };
}

export interface DemoStep extends Step {
  /** How often each method was called. */
  readonly calls: { checks: number; applies: number; verifies: number };
}

/** A step that writes these texts to files, as one unit. */
export function demoStep(
  host: Host,
  id: string,
  texts: Readonly<Record<string, string>>,
  parts: Partial<Step> = {},
): DemoStep {
  const calls = { checks: 0, applies: 0, verifies: 0 };
  const files = Object.entries(texts).map(([file, text]) => [hostPath(file), text] as const);
  let edits: readonly Edit[] = [];
  return {
    id,
    title: id,
    requires: [],
    reversible: 'yes',
    calls,
    check: async () => {
      calls.checks += 1;
      const seen = await Promise.all(files.map(async ([file, text]) => (await textAt(host, file)) === text));
      edits = await Promise.all(files.map(([file, text]) => edit(host, file, text)));
      return { status: seen.every(Boolean) ? 'ok' : 'needed', summary: id, evidence: [] };
    },
    plan: () => edits.map(({ change }) => change),
    apply: async (_changes, journal) => {
      calls.applies += 1;
      await journal.perform(edits);
    },
    verify: async () => {
      calls.verifies += 1;
      return { verified: true, evidence: [] };
    },
    ...parts,
  };
}

export function demoPlaybook(...steps: readonly Step[]): Playbook {
  return { id: 'demo', title: 'Demo', phases: [{ id: 'all', title: 'All', steps: async () => steps }] };
}

export function demoRun(host: Host, steps: readonly Step[], options: Partial<RunInput> = {}): Promise<RunResult> {
  const { signal } = new AbortController();
  const playbook = demoPlaybook(...steps);
  return runPlaybook({ playbook, selection: {}, confirm: async () => true, signal, ...options }, demoDeps(host));
}
