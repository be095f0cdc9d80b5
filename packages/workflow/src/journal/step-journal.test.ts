import { createFakeHost } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { type ChangeKind, createChangeRegistry, runPlaybook, type Step, type WorkflowDeps } from '../index.ts';
import { demoDeps, demoPlaybook } from '../run/demo-run.fixture.ts';

const COUNT = 150_000;

it('a unit may have more changes than a call has arguments', async () => {
  const host = createFakeHost();
  let active = 0;
  const kind: ChangeKind = {
    kind: 'demo.count',
    undoOrder: 'reverse',
    describe: ({ target }) => target,
    preflight: async () => undefined,
    staleness: async () => undefined,
    capture: async () => null,
    apply: async () => {
      active += 1;
    },
    undo: async () => ({ state: 'already' }),
  };
  const deps: WorkflowDeps = { ...demoDeps(host), kinds: createChangeRegistry([kind]) };
  const step: Step = {
    id: 'many',
    title: 'many',
    requires: [],
    reversible: 'yes',
    check: async () => ({ status: 'needed', summary: 'many', evidence: [] }),
    plan: () => [],
    apply: (_changes, journal) =>
      journal.perform(Array.from({ length: COUNT }, (_, n) => ({ change: { kind: 'demo.count', target: String(n) } }))),
    verify: async () => ({ verified: true, evidence: [] }),
  };
  const { signal } = new AbortController();
  const input = { playbook: demoPlaybook(step), selection: {}, confirm: async () => true, signal };
  const { runId = '' } = await runPlaybook(input, deps);
  expect(active).toBe(COUNT);
  expect((await (await deps.store.open(runId)).state()).activeChanges).toHaveLength(COUNT);
}, 60_000);
