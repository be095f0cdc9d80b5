import { isRecoveryError } from '@kube-rescue/errors';
import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type FakeHost, readTree, treeOf } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  describeReplacement,
  hostChangeKinds,
  openRunStore,
  rollbackRun,
  runPlaybook,
  type Step,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import type { FuzzTarget } from './fuzz-target.ts';

const STATE = hostPath('/var/lib/kube-rescue');
const TARGETS = ['/etc/demo/a', '/etc/demo/b', '/etc/demo/new'].map(hostPath);
/** Those with a backup. */
const REPLACED = 2;
const JOURNAL = 'journal.jsonl';
const clock = createFixedClock('2026-11-22T12:00:00Z');

/** A finished run that replaced two files and created one. */
interface FinishedRun {
  readonly id: string;
  readonly directory: HostPath;
  readonly host: FakeHost;
  readonly journal: string;
}

function depsOf(host: FakeHost): WorkflowDeps {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  return { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
}

function replaceStep(host: FakeHost, target: HostPath): Step {
  return {
    id: `write${target}`,
    title: target,
    requires: [],
    reversible: 'yes',
    check: async () => ({ status: 'needed', summary: 'old', evidence: [] }),
    plan: () => [],
    apply: async (_changes, journal) => {
      const change = await describeReplacement(host, { target, after: 'generated', fallbackMode: 0o600 });
      await journal.perform([{ change, material: Buffer.from(`new ${target}`) }]);
    },
    verify: async () => ({ verified: true, evidence: [] }),
  };
}

async function makeRun(): Promise<FinishedRun> {
  const host = createFakeHost({ tree: treeOf({ '/etc/demo/a': 'old a', '/etc/demo/b': 'old b' }) });
  const steps = TARGETS.map((target) => replaceStep(host, target));
  const playbook = { id: 'demo', title: 'Demo', phases: [{ id: 'all', title: 'All', steps: async () => steps }] };
  const { signal } = new AbortController();
  const input = { playbook, selection: {}, confirm: async () => true, signal };
  const { runId: id = '' } = await runPlaybook(input, depsOf(host));
  const directory = joinPath(openRunStore(host).directory, id);
  return {
    id,
    directory,
    host,
    journal: Buffer.from((await host.readFile(joinPath(directory, JOURNAL))) ?? []).toString(),
  };
}

/** The journal with one line lost, repeated, moved or of an unknown version, or without its last lines. */
function damage(journal: string): readonly Buffer[] {
  const lines = journal.split('\n').slice(0, -1);
  const damaged = lines.flatMap((line, at) => [
    lines.slice(0, at),
    lines.toSpliced(at, 1),
    lines.toSpliced(at, 0, line),
    [...lines.slice(0, at), ...lines.slice(at, at + 2).toReversed(), ...lines.slice(at + 2)],
  ]);
  const versions = [0, 3, 99, '2', null].map((version) => {
    return lines.with(0, String(lines[0]).replace(/"version":\d/, `"version":${JSON.stringify(version)}`));
  });
  const records = [
    '{"type":"undone-unit","seqs":[0,1,2]}',
    '{"type":"intent","seq":3,"step":"x","change":{"kind":"file.swap","target":"/x"},"captured":{}}',
  ];
  const more = records.map((record) => [...lines, record]);
  return [lines, ...damaged, ...versions, ...more].map((each) => Buffer.from(each.map((line) => `${line}\n`).join('')));
}

/** As version 1 wrote it. */
function toVersion1(journal: string): string {
  const lines = journal.split('\n').slice(0, -1);
  const records = lines.map((line) => {
    const {
      n: _n,
      prev: _prev,
      number: _number,
      root: _root,
      seal: _seal,
      ...record
    } = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(record['type'] === 'run' ? { ...record, version: 1 } : record);
  });
  return `${records.join('\n')}\n`;
}

/**
 * Rolls the run back with a damaged journal. It is refused with nothing changed, or every change is accounted for; nothing
 * outside the files of the run is written.
 */
async function rollBackDamaged(run: FinishedRun, input: Buffer, version: 1 | 2): Promise<void> {
  const host = createFakeHost({ tree: await readTree(run.host, hostPath('/')) });
  await host.writeFile(joinPath(run.directory, JOURNAL), input, { mode: 0o600 });
  if (version === 1) await host.remove(joinPath(run.directory, 'head.json'));
  const seen = host.mutations.length;
  const written = (): readonly string[] =>
    host.mutations.slice(seen).flatMap(({ target }) => (target.startsWith(STATE) ? [] : [target]));
  const rolledBack = await rollbackRun(run.id, depsOf(host)).catch((error: unknown) => {
    if (!isRecoveryError(error)) throw error;
    return error;
  });
  const outside = written().filter((path) => !TARGETS.some((target) => target === path));
  if (outside.length > 0) throw new Error(`written outside: ${outside.join(', ')}`);
  if (rolledBack instanceof Error) {
    if (written().length > 0) throw new Error(`refused after writing ${written().join(', ')}`, { cause: rolledBack });
    throw rolledBack;
  }
  // In version 1 only the backup shows that records are missing, and a created file has none.
  const expected = version === 1 ? REPLACED : TARGETS.length;
  const { undone, notReverted } = rolledBack;
  if (undone + notReverted.length >= expected) return;
  throw new Error(`${undone} of ${expected} changes were rolled back, ${notReverted.length} were reported`);
}

/** Journals of both versions, beside the files that they protect. */
export function journalTargets(): readonly FuzzTarget[] {
  let made: Promise<FinishedRun> | undefined;
  const findRun = (): Promise<FinishedRun> => (made ??= makeRun());
  return ([1, 2] as const).map((version) => ({
    name: `journal-rollback-${version}`,
    directory: '/packages/workflow/',
    corpus: async () => {
      const { journal } = await findRun();
      return damage(version === 1 ? toVersion1(journal) : journal);
    },
    run: async (input) => rollBackDamaged(await findRun(), input, version),
  }));
}
