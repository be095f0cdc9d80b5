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

/** A set of steps and a machine to repair. */
export interface StepCase {
  /** Creates a machine in its broken state, the same each time. */
  makeHost(): Promise<Host>;
  makePlaybook(host: Host): Playbook;
  /** Further change kinds besides those of the host. Default: none. */
  makeKinds?(host: Host): readonly ChangeKind[];
  readonly clock: Clock;
  /** The directories of all files that the steps may change. */
  readonly directories: readonly HostPath[];
  /**
   * Further state that the steps may change, such as objects of a cluster, without values that differ between runs.
   * Default: none.
   */
  readState?(host: Host): Promise<unknown>;
  /** The changes are irreversible, such as deleting a pod: a rollback leaves them. Default: false. */
  readonly isIrreversible?: boolean;
}

/**
 * The laws for every step, as tests: a check writes nothing, a plan is plain data, applying is idempotent, and after any
 * fault at any write the files are unchanged, or as planned, or a resume or rollback leads to one of these.
 */
export function stepLaws(title: string, makeCase: () => Promise<StepCase> | StepCase): void {
  describe(`the step laws hold for ${title}`, () => {
    // Once for all laws: creating a PKI for each would take longer than the laws.
    const findCase = once(async () => makeCase());
    const findGoal = once(async () => runUndisturbed(await findCase()));

    it('checks and plans without writing', async () => {
      const { makeHost, makePlaybook, clock } = await findCase();
      const host = withFaults(await makeHost());
      await plan(host, makePlaybook(host), clock);
      assert.equal(host.mutationCount, 0);
    });

    it('makes the same plan twice, as JSON without key material', async () => {
      const { makeHost, makePlaybook, clock } = await findCase();
      const host = await makeHost();
      const first = await plan(host, makePlaybook(host), clock);
      const second = await plan(host, makePlaybook(host), clock);
      assert.deepEqual({ ...second, createdAt: '' }, { ...first, createdAt: '' });
      assert.deepEqual(JSON.parse(JSON.stringify(first)), first);
      assert.ok(
        first.entries.some(({ changes }) => changes.length > 0),
        'the case has nothing to repair',
      );
      assert.doesNotMatch(JSON.stringify(first), /PRIVATE KEY|LS0tLS1CRUdJTi/);
    });

    it('finds nothing to do the second time', async () => {
      const testCase = await findCase();
      const host = withFaults(await testCase.makeHost());
      const first = await run(host, testCase);
      assert.equal(first.outcome, 'done');
      const repaired = await readState(host, testCase);
      const second = await run(host, testCase);
      assert.equal(second.outcome, 'nothing-to-do');
      assert.deepEqual(await readState(host, testCase), repaired);
    });

    it('rolls back every byte of a finished run', async () => {
      const testCase = await findCase();
      const host = await testCase.makeHost();
      const before = await readState(host, testCase);
      const { runId } = await run(host, testCase);
      const made = await readState(host, testCase);
      const { notReverted } = await rollbackRun(runId ?? '', depsOf(host, testCase));
      assert.deepEqual(notReverted, []);
      assert.deepEqual(await readState(host, testCase), testCase.isIrreversible === true ? made : before);
    });

    for (const [kind, fault] of CRASHES) {
      it(`can be rolled back or resumed when it is ${kind}`, LONG, async ({ task }) => {
        const tries = everyWrite(await findCase(), await findGoal(), fault, [rollBack, resume]);
        await countPoints(task.meta, { subject: title, kind }, tries);
      });
    }

    for (const [kind, fault] of FAILURES) {
      it(`leaves every byte unchanged, or all as planned, when there is ${kind}`, LONG, async ({ task }) => {
        const tries = everyWrite(await findCase(), await findGoal(), fault, [allOrNothing]);
        await countPoints(task.meta, { subject: title, kind }, tries);
      });
    }
  });
}

/** One run for each write: this may take minutes on a busy machine. */
const LONG = { timeout: 10 * 60_000 };

type Fault = Pick<FaultOptions, 'mode' | 'error'>;

/** Faults that need a resume or a rollback. */
const CRASHES: readonly (readonly [string, Fault])[] = [
  ['killed before a write', { mode: 'killed-before' }],
  ['killed in the middle of a write or journal record', { mode: 'torn' }],
  ['killed between write and rename, or journal record and write', { mode: 'staged' }],
  ['on a disk that is read-only from a write on (EROFS)', { mode: 'fail-from', error: 'HOST_READ_ONLY' }],
];

/** Faults that a run handles by itself. */
const FAILURES: readonly (readonly [string, Fault])[] = [
  ['no space for one write (ENOSPC)', { mode: 'fail-once', error: 'HOST_NO_SPACE' }],
  ['an error in one write (EIO)', { mode: 'fail-once', error: 'HOST_IO' }],
  ['no permission for one write (EACCES)', { mode: 'fail-once', error: 'HOST_PERMISSION_DENIED' }],
  ['a read-only disk for one write (EROFS)', { mode: 'fail-once', error: 'HOST_READ_ONLY' }],
  ['an error after one write was made (EIO of fsync, lost answer)', { mode: 'fail-late', error: 'HOST_IO' }],
];

/** The state of a machine. */
interface MachineState {
  readonly trees: readonly NodeTree[];
  readonly state: unknown;
}

/** An undisturbed run. */
interface Undisturbed {
  readonly writes: number;
  /** The machine afterwards; of two runs, because parts are random. */
  readonly goal: readonly [MachineState, MachineState];
}

interface Attempt extends Pick<Undisturbed, 'goal'> {
  readonly host: Host;
  readonly before: MachineState;
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
  return {
    writes: counted.mutationCount,
    goal: [await readState(counted, testCase), await readState(other, testCase)],
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Runs a case once for each write and each judge, with a fault at that write. */
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
        const before = await readState(host, testCase);
        const faulty = withFaults(host, { failAt, ...fault });
        const failure = await run(faulty, testCase).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        // The judge gets the host without faults: after the kill a new process works on it.
        const at = `write ${failAt} of ${writes}`;
        return judge({ host, before, goal, failure, at }, testCase);
      };
    }
  }
}

function assertFaultReported({ failure, at }: Attempt): void {
  const isExpected = failure instanceof SimulatedCrash || isRecoveryError(failure);
  if (!isExpected) throw new Error(`${at}: the fault was not reported`, { cause: failure });
}

async function rollBack(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  assertFaultReported(attempt);
  const { host, before, at } = attempt;
  const deps = depsOf(host, testCase);
  for (const { id } of await deps.store.list()) {
    const { notReverted } = await rollbackRun(id, deps);
    assert.deepEqual(notReverted, [], at);
  }
  if (testCase.isIrreversible === true) {
    // The changes stay, and the rest can be made.
    await run(host, testCase);
    await assertRepaired(attempt, testCase);
  } else {
    assert.deepEqual(await readState(host, testCase), before, at);
  }
  return 'rolledBack';
}

async function resume(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  assertFaultReported(attempt);
  const { host, at } = attempt;
  const runs = await depsOf(host, testCase).store.list();
  await run(host, testCase, { resume: runs.some(({ outcome }) => outcome === undefined) });
  await assertRepaired(attempt, testCase);
  const again = await run(host, testCase);
  assert.equal(again.outcome, 'nothing-to-do', at);
  return 'resumed';
}

async function allOrNothing(attempt: Attempt, testCase: StepCase): Promise<GoodEnding> {
  const { host, before, failure, at } = attempt;
  // After a fault at the record of the run's end everything is as planned.
  const isPlanned = failure === undefined || isRecoveryError(failure, 'NOT_VERIFIED');
  if (isPlanned) {
    await assertRepaired(attempt, testCase);
  } else {
    assertFaultReported(attempt);
    if (testCase.isIrreversible !== true) assert.deepEqual(await readState(host, testCase), before, at);
  }
  const runs = await depsOf(host, testCase).store.list();
  await run(host, testCase, { resume: runs.some(({ outcome }) => outcome === undefined) });
  await assertRepaired(attempt, testCase);
  return isPlanned ? 'resumed' : 'rolledBack';
}

async function assertRepaired({ host, goal, at }: Attempt, testCase: StepCase): Promise<void> {
  const { trees, state } = await readState(host, testCase);
  assertLikeUndisturbed(trees, [goal[0].trees, goal[1].trees], at);
  assert.deepEqual(state, goal[0].state, at);
}

async function readState(host: Host, testCase: StepCase): Promise<MachineState> {
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
  return planPlaybook(playbook, { host: host.name, clock, selection: {}, signal });
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
