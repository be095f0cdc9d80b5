import { type WorkflowDeps } from './workflow-deps.ts';
import { type Clock, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { kindOf } from '../plan/change-registry.ts';
import { WorkflowError } from '../errors.ts';
import type { RunOutcome } from '../journal/journal-record.ts';
import { executePhases, type StepReport } from './phase-runner.ts';
import { assertNotBlocked, assertSamePlan, hasWork, type Plan, planPlaybook } from '../plan/plan.ts';
import { assertDiskSpace } from './disk-space.ts';
import { recordEnd } from './run-end.ts';
import type { RunState } from './run-state.ts';
import type { RunDirectory, RunStore } from '../journal/run-store.ts';
import type { Selection } from '../plan/selection.ts';
import type { Playbook } from '../plan/step.ts';
import { describeNotReverted, type NotReverted, unwind } from './unwind.ts';
import { describeNextSteps } from './next-steps.ts';

export interface RunResult {
  /** `undefined` when there was nothing to do. */
  readonly runId: string | undefined;
  readonly outcome: 'nothing-to-do' | 'declined' | RunOutcome;
  readonly plan: Plan;
  readonly steps: readonly StepReport[];
  /** From the first check to the end, in seconds. */
  readonly seconds: number;
}

export interface RunInput {
  readonly playbook: Playbook;
  readonly selection: Selection;
  /** Shown the whole plan before the first write; answers whether to go on. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
  /** A plan that was read before; the present one must be the same. */
  readonly expected?: Plan | undefined;
  /**
   * The plan of this playbook as it was made a moment ago, to see whether there is anything to lock a host for. Not made
   * once more where no run has ever been on the host. Default: made here.
   */
  readonly planned?: Plan | undefined;
  /** Goes on with the newest run that did not come to its end. */
  readonly resume?: boolean | undefined;
  /**
   * How a person goes on with this run when it does not come to its end, for hints; for example `recover --resume`. Default:
   * none, it can only be taken back.
   */
  readonly resumeCommand?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Carries out a playbook: checks and plans everything that can be known, refuses or asks, then goes phase by phase, each
 * planned afresh when it is reached. Undo records are on disk before each write.
 *
 * A failure before anything irreversible was verified puts back every byte of the run; later, only those of the failing
 * step, because a control plane that answers again is not to be taken away.
 *
 * @throws WorkflowError `WORKFLOW_BLOCKED` `PLAN_STALE` `RUN_UNFINISHED` `RUN_NOT_FOUND` (nothing changed),
 * `APPLY_ROLLED_BACK`, `ROLLBACK_INCOMPLETE`, `NOT_VERIFIED`, `INTERRUPTED`; HostError `HOST_LOCKED`
 */
export async function runPlaybook(input: RunInput, deps: WorkflowDeps): Promise<RunResult> {
  const { playbook, selection, resumeCommand, signal } = input;
  const { host, clock } = deps;
  const started = clock.now();
  const seconds = (): number => (clock.now().getTime() - started.getTime()) / 1000;
  return withRunLock(deps, `run ${playbook.id}`, async () => {
    const resumed = await findRunToResume(deps.store, playbook.id, input.resume ?? false);
    if (resumed !== undefined) await settleUnfinished(resumed.run, resumed.state, deps);
    const isFirstRun = (await deps.store.list()).length === 0;
    const planned = isFirstRun ? input.planned : undefined;
    const plan = planned ?? (await planPlaybook(playbook, { host: host.name, now: clock.now(), selection, signal }));
    assertNotBlocked(plan);
    if (input.expected !== undefined) assertSamePlan(input.expected, plan);
    const pending = resumed?.state.unverified ?? new Set<string>();
    // What an earlier try made is looked at once more, even where nothing is left to make.
    if (!hasWork(plan) && (resumed?.state.made.size ?? 0) === 0) {
      if (resumed !== undefined) await finish(resumed.run, resumeCommand, clock);
      return { runId: resumed?.run.id, outcome: 'nothing-to-do', plan, steps: [], seconds: seconds() };
    }
    if (!(await input.confirm(plan)))
      return { runId: undefined, outcome: 'declined', plan, steps: [], seconds: seconds() };
    await assertFeasible(plan, deps);
    const run = resumed?.run ?? (await deps.store.create({ playbook: playbook.id, at: clock.now(), resumeCommand }));
    deps.onEvent({ type: 'run-started', runId: run.id, path: run.path });
    const execution = { playbook, selection, pending, hasWork: hasWork(plan), run, resumeCommand, signal };
    const steps = await executePhases(execution, deps);
    await finish(run, resumeCommand, clock);
    return { runId: run.id, outcome: 'done', plan, steps, seconds: seconds() };
  });
}

/**
 * Puts back everything that a run changed, newest first.
 *
 * Leaves alone what somebody else has changed since, and names it. Does not undo what a program did on its own after a
 * restart.
 *
 * @returns the changes that could not be taken back; empty when every byte is as it was
 * @throws WorkflowError `RUN_NOT_FOUND` `JOURNAL_CORRUPT`; HostError `HOST_LOCKED`
 */
export async function rollbackRun(
  id: string,
  deps: WorkflowDeps,
): Promise<{ readonly undone: number; readonly leftovers: readonly NotReverted[] }> {
  return withRunLock(deps, `rollback ${id}`, async () => {
    const run = await deps.store.open(id);
    await run.backup.assertOpens();
    await run.repair();
    const { standing } = await run.state();
    const leftovers = await unwind(standing, { ...deps, run });
    const outcome = leftovers.length === 0 ? 'rolled-back' : 'rollback-incomplete';
    await recordEnd(run, outcome, deps.clock);
    return { undone: standing.length - leftovers.length, leftovers };
  });
}

async function finish(run: RunDirectory, resumeCommand: string | undefined, clock: Clock): Promise<void> {
  const reason = await recordEnd(run, 'done', clock);
  if (reason === undefined) return;
  throw new WorkflowError({
    code: 'NOT_VERIFIED',
    message: `everything was done and seen to work, but the end of the run could not be recorded: ${reason}`,
    subject: run.id,
    hint: `make the journal writable again, then ${describeNextSteps({ id: run.id, resumeCommand, outcome: undefined })}`,
  });
}

/** Looks for what would stop the run halfway while nothing is changed yet. */
async function assertFeasible(plan: Plan, { host, kinds, store }: WorkflowDeps): Promise<void> {
  await assertDiskSpace(host, store.directory);
  for (const change of plan.entries.flatMap(({ changes }) => changes)) await kindOf(kinds, change).preflight(change);
}

async function withRunLock<T>(deps: WorkflowDeps, what: string, action: () => Promise<T>): Promise<T> {
  const { host, store } = deps;
  const directory = parentPath(hostPath(store.directory));
  await host.makeDirectory(directory, { mode: 0o700 });
  const lock = await host.acquireLock(joinPath(directory, 'lock'), what);
  try {
    return await action();
  } finally {
    await lock.release();
  }
}

async function findRunToResume(
  store: RunStore,
  playbook: string,
  resume: boolean,
): Promise<{ readonly run: RunDirectory; readonly state: RunState } | undefined> {
  const states = await store.list();
  const cutOff = states.findLast(({ outcome }) => outcome === undefined);
  const resumable = states.at(-1);
  if (!resume) {
    if (cutOff === undefined) return undefined;
    throw new WorkflowError({
      code: 'RUN_UNFINISHED',
      message: 'an earlier run was cut off and its changes stand half-made; nothing was changed now',
      subject: cutOff.id,
      hint: describeNextSteps(cutOff),
    });
  }
  const state = cutOff ?? (['interrupted', 'not-verified'].includes(resumable?.outcome ?? '') ? resumable : undefined);
  if (state === undefined) {
    throw new WorkflowError({
      code: 'RUN_NOT_FOUND',
      message: 'there is no run to go on with',
      subject: store.directory,
      hint: 'start a new one, without --resume',
    });
  }
  if (state.playbook !== playbook) {
    throw new WorkflowError({
      code: 'RUN_UNFINISHED',
      message: `the run to go on with is one of ${state.playbook}, not of ${playbook}; nothing was changed now`,
      subject: state.id,
      hint: describeNextSteps(state),
    });
  }
  return { run: await store.open(state.id), state };
}

/** Takes back the step that was cut off, so that every step is either made or not. */
async function settleUnfinished(run: RunDirectory, state: RunState, deps: WorkflowDeps): Promise<void> {
  await run.repair();
  await run.append({ type: 'resumed', at: deps.clock.now().toISOString() });
  const leftovers = await unwind(state.unfinished, { ...deps, run });
  if (leftovers.length === 0) return;
  throw new WorkflowError({
    code: 'ROLLBACK_INCOMPLETE',
    message: `the step that was cut off could not be taken back: ${describeNotReverted(leftovers)}`,
    subject: run.path,
    hint: 'put these files back by hand from the folder backup of this run, then resume',
  });
}
