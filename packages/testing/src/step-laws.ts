import assert from 'node:assert/strict';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import {
  type ChangeKind,
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  planPlaybook,
  rollbackRun,
  type RunResult,
  runPlaybook,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { describe, it } from 'vitest';
import { type FaultMode, type FaultOptions, SimulatedCrash, withFaults } from './faults.ts';
import { type NodeTree, readTree } from './node-tree.ts';

/** One set of steps with a machine that they are to mend. */
export interface StepCase {
  /** A fresh machine in its broken state, each time the same. */
  makeHost(): Promise<Host>;
  makePlaybook(host: Host): Playbook;
  /** The change kinds beside those of the host. Default: none. */
  makeKinds?(host: Host): readonly ChangeKind[];
  readonly clock: Clock;
  /** Everything that the steps may change lies below these. */
  readonly folders: readonly HostPath[];
}

/**
 * The laws that every step obeys, as tests: a check writes nothing, a plan is plain data, applying twice is applying once,
 * and whatever goes wrong at whichever write, the files are as they were, or as planned, or can be led there.
 */
export function stepLaws(title: string, makeCase: () => Promise<StepCase> | StepCase): void {
  describe(`the step laws hold for ${title}`, () => {
    it('looks and plans without writing anything', async () => {
      const { makeHost, makePlaybook, clock } = await makeCase();
      const host = withFaults(await makeHost());
      await plan(host, makePlaybook(host), clock);
      assert.equal(host.mutationCount, 0);
    });

    it('makes the same plan twice, and one that survives JSON without key material', async () => {
      const { makeHost, makePlaybook, clock } = await makeCase();
      const host = await makeHost();
      const first = await plan(host, makePlaybook(host), clock);
      const second = await plan(host, makePlaybook(host), clock);
      assert.deepEqual({ ...second, createdAt: '' }, { ...first, createdAt: '' });
      assert.deepEqual(JSON.parse(JSON.stringify(first)), first);
      assert.ok(
        first.entries.some(({ changes }) => changes.length > 0),
        'the case has nothing to mend',
      );
      assert.doesNotMatch(JSON.stringify(first), /PRIVATE KEY|LS0tLS1CRUdJTi/);
    });

    it('finds nothing to do the second time', async () => {
      const testCase = await makeCase();
      const host = withFaults(await testCase.makeHost());
      const first = await run(host, testCase);
      assert.equal(first.outcome, 'done');
      const mended = await readFolders(host, testCase.folders);
      const second = await run(host, testCase);
      assert.equal(second.outcome, 'nothing-to-do');
      assert.deepEqual(await readFolders(host, testCase.folders), mended);
    });

    it('puts back every byte of a finished run', async () => {
      const testCase = await makeCase();
      const host = await testCase.makeHost();
      const before = await readFolders(host, testCase.folders);
      const { runId } = await run(host, testCase);
      const { leftovers } = await rollbackRun(runId ?? '', depsOf(host, testCase));
      assert.deepEqual(leftovers, []);
      assert.deepEqual(await readFolders(host, testCase.folders), before);
    });

    for (const mode of ['dead-after', 'torn'] as const) {
      it(`can be rolled back or resumed after a kill at every write (${mode})`, async () => {
        const testCase = await makeCase();
        await forEveryWrite(testCase, { mode }, assertWayBack);
        await forEveryWrite(testCase, { mode }, assertWayOn);
      });
    }

    for (const error of ['HOST_NO_SPACE', 'HOST_IO', 'HOST_PERMISSION_DENIED', 'HOST_READ_ONLY'] as const) {
      it(`leaves every byte as it was, or all as planned, when any one write fails (${error})`, async () => {
        await forEveryWrite(await makeCase(), { mode: 'fail-once', error }, assertAllOrNothing);
      });
    }
  });
}

type Attempt = {
  readonly host: Host;
  readonly before: readonly NodeTree[];
  readonly failure: unknown;
  readonly at: string;
};

/** Runs a case once for each of its writes, and lets that write go wrong. */
async function forEveryWrite(
  testCase: StepCase,
  fault: { readonly mode: FaultMode; readonly error?: FaultOptions['error'] },
  judge: (attempt: Attempt, testCase: StepCase) => Promise<void>,
): Promise<void> {
  const counted = withFaults(await testCase.makeHost());
  await run(counted, testCase);
  assert.ok(counted.mutationCount > 0, 'the case writes nothing');
  for (let failAt = 1; failAt <= counted.mutationCount; failAt += 1) {
    const host = await testCase.makeHost();
    const before = await readFolders(host, testCase.folders);
    const { mode, error } = fault;
    const faulty = withFaults(host, { failAt, mode, ...(error === undefined ? {} : { error }) });
    const failure = await run(faulty, testCase).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // A kill would have let go of the lock; in memory nobody does it for us.
    await judge({ host, before, failure, at: `write ${failAt} of ${counted.mutationCount}` }, testCase);
  }
}

async function assertWayBack({ host, before, failure, at }: Attempt, testCase: StepCase): Promise<void> {
  assert.ok(failure instanceof SimulatedCrash, `${at}: the kill did not come through`);
  const deps = depsOf(host, testCase);
  for (const { id } of await deps.store.list()) {
    const { leftovers } = await rollbackRun(id, deps);
    assert.deepEqual(leftovers, [], at);
  }
  assert.deepEqual(await readFolders(host, testCase.folders), before, at);
}

async function assertWayOn({ host, at }: Attempt, testCase: StepCase): Promise<void> {
  const runs = await depsOf(host, testCase).store.list();
  const resume = runs.some(({ outcome }) => outcome === undefined);
  await run(host, testCase, { resume });
  const again = await run(host, testCase);
  assert.equal(again.outcome, 'nothing-to-do', at);
}

async function assertAllOrNothing({ host, before, failure, at }: Attempt, testCase: StepCase): Promise<void> {
  if (failure !== undefined) {
    if (!isRecoveryError(failure)) throw new Error(`${at}: no expected failure`, { cause: failure });
    // The one write after which everything is as planned: that of the run's end.
    const isPlanned = failure.code === 'NOT_VERIFIED';
    if (!isPlanned) assert.deepEqual(await readFolders(host, testCase.folders), before, `${at}: ${failure.message}`);
  }
  const runs = await depsOf(host, testCase).store.list();
  const again = await run(host, testCase, { resume: runs.some(({ outcome }) => outcome === undefined) });
  assert.equal(again.outcome, 'done', at);
}

function depsOf(host: Host, { clock, makeKinds }: StepCase): WorkflowDeps {
  return {
    host,
    clock,
    kinds: createChangeRegistry([...hostChangeKinds(host), ...(makeKinds?.(host) ?? [])]),
    store: openRunStore(host),
    onEvent: () => undefined,
  };
}

async function plan(host: Host, playbook: Playbook, clock: Clock): ReturnType<typeof planPlaybook> {
  const signal = new AbortController().signal;
  return planPlaybook(playbook, { host: host.name, now: clock.now(), selection: {}, signal });
}

async function run(host: Host, testCase: StepCase, options: { readonly resume?: boolean } = {}): Promise<RunResult> {
  const signal = new AbortController().signal;
  const playbook = testCase.makePlaybook(host);
  const confirm = async (): Promise<boolean> => true;
  return runPlaybook({ playbook, selection: {}, confirm, signal, ...options }, depsOf(host, testCase));
}

async function readFolders(host: Host, folders: readonly HostPath[]): Promise<readonly NodeTree[]> {
  return Promise.all(folders.map((folder) => readTree(host, folder)));
}
