import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import {
  type ChangeKind,
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  planPlaybook,
  type Playbook,
  rollbackRun,
  runPlaybook,
  type RunResult,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { countPoints, type GoodEnding } from './crash-points.ts';
import { type FaultOptions, SimulatedCrash, withFaults } from '../host/faults.ts';
import { type NodeTree, readTree } from '../node/node-tree.ts';
import { assertLikeUndisturbed } from '../host/tree-likeness.ts';

/** One set of steps with a machine that they are to mend. */
export interface StepCase {
  /** A fresh machine in its broken state, each time the same. */
  makeHost(): Promise<Host>;
  makePlaybook(host: Host): Playbook;
  /** The change kinds beside those of the host. Default: none. */
  makeKinds?(host: Host): readonly ChangeKind[];
  readonly clock: Clock;
  /** Everything that the steps may change lies below these, */
  readonly directories: readonly HostPath[];
  /** or is this: objects of a cluster, say. Without what differs from run to run. Default: nothing. */
  readState?(host: Host): Promise<unknown>;
  /** Its changes cannot be taken back, a pod that was deleted, say: a rollback leaves them as they are. Default: false. */
  readonly isLasting?: boolean;
}

/**
 * The laws that every step obeys, as tests: a check writes nothing, a plan is plain data, applying twice is applying once,
 * and whatever goes wrong at whichever write, the files are as they were, or as planned, or can be led there.
 */
export function stepLaws(title: string, makeCase: () => Promise<StepCase> | StepCase): void {
  describe(`the step laws hold for ${title}`, () => {
    // Once for all laws: a PKI of its own for each would take longer than what is tried on it.
    const findCase = once(async () => makeCase());
    const findGoal = once(async () => runUndisturbed(await findCase()));

    it('looks and plans without writing anything', async () => {
      const { makeHost, makePlaybook, clock } = await findCase();
      const host = withFaults(await makeHost());
      await plan(host, makePlaybook(host), clock);
      assert.equal(host.mutationCount, 0);
    });

    it('makes the same plan twice, and one that survives JSON without key material', async () => {
      const { makeHost, makePlaybook, clock } = await findCase();
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
      const testCase = await findCase();
      const host = withFaults(await testCase.makeHost());
      const first = await run(host, testCase);
      assert.equal(first.outcome, 'done');
      const mended = await look(host, testCase);
      const second = await run(host, testCase);
      assert.equal(second.outcome, 'nothing-to-do');
      assert.deepEqual(await look(host, testCase), mended);
    });

    it('puts back every byte of a finished run', async () => {
      const testCase = await findCase();
      const host = await testCase.makeHost();
      const before = await look(host, testCase);
      const { runId } = await run(host, testCase);
      const made = await look(host, testCase);
      const { notReverted } = await rollbackRun(runId ?? '', depsOf(host, testCase));
      assert.deepEqual(notReverted, []);
      assert.deepEqual(await look(host, testCase), testCase.isLasting === true ? made : before);
    });

    for (const [kind, fault] of CRASHES) {
      it(`can be rolled back or resumed when it is ${kind}`, LONG, async ({ task }) => {
        const tries = everyWrite(await findCase(), await findGoal(), fault, [wayBack, wayOn]);
        await countPoints(task.meta, { subject: title, kind }, tries);
      });
    }

    for (const [kind, fault] of FAILURES) {
      it(`leaves every byte as it was, or all as planned, when there is ${kind}`, LONG, async ({ task }) => {
        const tries = everyWrite(await findCase(), await findGoal(), fault, [allOrNothing]);
        await countPoints(task.meta, { subject: title, kind }, tries);
      });
    }
  });
}

/** A run for each write; on a machine that is busy with other things that may take minutes. */
const LONG = { timeout: 10 * 60_000 };

type Fault = Pick<FaultOptions, 'mode' | 'error'>;

/** After these somebody has to come back: to go on, or to take it back. */
const CRASHES: readonly (readonly [string, Fault])[] = [
  ['killed before a write', { mode: 'dead-after' }],
  ['killed in the middle of a write or journal record', { mode: 'torn' }],
  ['killed between write and rename, or journal record and write', { mode: 'staged' }],
  ['on a disk that is read-only from a write on (EROFS)', { mode: 'fail-from', error: 'HOST_READ_ONLY' }],
];

/** With these a run copes by itself. */
const FAILURES: readonly (readonly [string, Fault])[] = [
  ['no space for one write (ENOSPC)', { mode: 'fail-once', error: 'HOST_NO_SPACE' }],
  ['an error in one write (EIO)', { mode: 'fail-once', error: 'HOST_IO' }],
  ['no permission for one write (EACCES)', { mode: 'fail-once', error: 'HOST_PERMISSION_DENIED' }],
  ['a read-only disk for one write (EROFS)', { mode: 'fail-once', error: 'HOST_READ_ONLY' }],
  ['an error after one write was made (EIO of fsync, lost answer)', { mode: 'fail-late', error: 'HOST_IO' }],
];

/** What a machine looks like to whoever has to tell whether something was lost. */
interface Observation {
  readonly trees: readonly NodeTree[];
  readonly state: unknown;
}

/** What a run does to which nothing happens. */
interface Undisturbed {
  readonly writes: number;
  /** How it leaves the machine; twice, because some of it is random. */
  readonly goal: readonly [Observation, Observation];
}

interface Attempt extends Pick<Undisturbed, 'goal'> {
  readonly host: Host;
  readonly before: Observation;
  readonly failure: unknown;
  readonly at: string;
}

type Judge = (attempt: Attempt, testCase: StepCase) => Promise<GoodEnding>;

async function runUndisturbed(testCase: StepCase): Promise<Undisturbed> {
  const counted = withFaults(await testCase.makeHost());
  await run(counted, testCase);
  const other = await testCase.makeHost();
  await run(other, testCase);
  assert.ok(counted.mutationCount > 0, 'the case writes nothing');
  return { writes: counted.mutationCount, goal: [await look(counted, testCase), await look(other, testCase)] };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Runs a case once for each of its writes and each judge, and lets that write go wrong. */
async function* everyWrite(
  testCase: StepCase,
  { writes, goal }: Undisturbed,
  fault: Fault,
  judges: readonly Judge[],
): AsyncGenerator<() => Promise<GoodEnding>> {
  for (let failAt = 1; failAt <= writes; failAt += 1) {
    for (const judge of judges) {
      yield async () => {
        const host = await testCase.makeHost();
        const before = await look(host, testCase);
        const faulty = withFaults(host, { failAt, ...fault });
        const failure = await run(faulty, testCase).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        // A kill would have let go of the lock; in memory nobody does it for us.
        const at = `write ${failAt} of ${writes}`;
        return judge({ host, before, goal, failure, at }, testCase);
      };
    }
  }
}

function assertCameThrough({ failure, at }: Attempt): void {
  const isExpected = failure instanceof SimulatedCrash || isRecoveryError(failure);
  if (!isExpected) throw new Error(`${at}: the fault did not come through`, { cause: failure });
}

async function wayBack(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  assertCameThrough(attempt);
  const { host, before, at } = attempt;
  const deps = depsOf(host, testCase);
  for (const { id } of await deps.store.list()) {
    const { notReverted } = await rollbackRun(id, deps);
    assert.deepEqual(notReverted, [], at);
  }
  if (testCase.isLasting === true) {
    // What was made stands, and the rest can be made.
    await run(host, testCase);
    await assertMended(attempt, testCase);
  } else {
    assert.deepEqual(await look(host, testCase), before, at);
  }
  return 'rolledBack';
}

async function wayOn(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  assertCameThrough(attempt);
  const { host, at } = attempt;
  const runs = await depsOf(host, testCase).store.list();
  await run(host, testCase, { resume: runs.some(({ outcome }) => outcome === undefined) });
  await assertMended(attempt, testCase);
  const again = await run(host, testCase);
  assert.equal(again.outcome, 'nothing-to-do', at);
  return 'resumed';
}

async function allOrNothing(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  const { host, before, failure, at } = attempt;
  // The one write after which everything is as planned: that of the run's end.
  const isPlanned = failure === undefined || isRecoveryError(failure, 'NOT_VERIFIED');
  if (isPlanned) {
    await assertMended(attempt, testCase);
  } else {
    assertCameThrough(attempt);
    if (testCase.isLasting !== true) assert.deepEqual(await look(host, testCase), before, at);
  }
  const runs = await depsOf(host, testCase).store.list();
  await run(host, testCase, { resume: runs.some(({ outcome }) => outcome === undefined) });
  await assertMended(attempt, testCase);
  return isPlanned ? 'resumed' : 'rolledBack';
}

async function assertMended({ host, goal, at }: Attempt, testCase: StepCase): Promise<void> {
  const { trees, state } = await look(host, testCase);
  assertLikeUndisturbed(trees, [goal[0].trees, goal[1].trees], at);
  assert.deepEqual(state, goal[0].state, at);
}

async function look(host: Host, testCase: StepCase): Promise<Observation> {
  const trees = await readDirectories(host, testCase.directories);
  return { trees, state: await testCase.readState?.(host) };
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

async function readDirectories(host: Host, directories: readonly HostPath[]): Promise<readonly NodeTree[]> {
  return Promise.all(directories.map((directory) => readTree(host, directory)));
}
