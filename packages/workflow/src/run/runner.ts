import { type WorkflowDeps } from './workflow-deps.ts';
import { joinPath } from '@kube-rescue/host';
import { assertKnownKinds } from '../journal/known-kinds.ts';
import { kindOf } from '../plan/change-registry.ts';
import { WorkflowError } from '../errors.ts';
import type { Json } from '../plan/change.ts';
import type { RunOrigin, RunOutcome } from '../journal/journal-record.ts';
import { executePhases } from './phase-runner.ts';
import type { StepReport } from './step-runner.ts';
import { createWaitClock } from './wait-clock.ts';
import { assertSamePlan } from '../plan/plan-comparison.ts';
import { assertNotBlocked, hasWork, type Plan, planPlaybook } from '../plan/plan.ts';
import { assertFilesOnly } from './copied-run.ts';
import { explainLostLock, withRunLock } from './run-lock.ts';
import { assertDiskSpace } from './disk-space.ts';
import { recordEnd } from './run-end.ts';
import type { RunState } from './run-state.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { RunEntry } from '../journal/run-store.ts';
import { assertNoneIncomplete, chooseResumable, chooseUnfinished } from './resumable-run.ts';
import type { Selection } from '../plan/selection.ts';
import type { Playbook } from '../plan/step.ts';
import { describeNotReverted, unwind } from './unwind.ts';
import type { Unwound } from './unwound.ts';
import { describeNextSteps, isForceNeeded, rollbackAccessOf, type RunAccess } from './next-steps.ts';

export interface RunResult {
  /** `undefined` when there was nothing to do. */
  readonly runId: string | undefined;
  readonly outcome: 'nothing-to-do' | 'declined' | RunOutcome;
  readonly plan: Plan;
  readonly steps: readonly StepReport[];
  /** From the first check to the end, in seconds; without that of `RunInput.planned`. */
  readonly seconds: number;
  /** Of these, seconds in which every running step waited for something else. */
  readonly waitedSeconds: number;
  /** A rollback now would make things worse; see `WorkflowDeps`. Absent when there is no run to roll back. */
  readonly needsForce?: boolean | undefined;
}

export interface RunInput {
  readonly playbook: Playbook;
  readonly selection: Selection;
  /** Receives the whole plan before the first write; returns whether to continue. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
  /** A plan that the operator reviewed; the present one must be the same. */
  readonly expected?: Plan | undefined;
  /**
   * A plan of this playbook made just before, without the lock. Reused when the host has no runs, otherwise the playbook is
   * planned again. Default: planned here.
   */
  readonly planned?: Plan | undefined;
  /** Resumes the newest unfinished run. */
  readonly resume?: boolean | undefined;
  /**
   * Command that resumes this run, for hints; for example `recover --resume`. Default: none, the run can only be rolled
   * back.
   */
  readonly resumeCommand?: string | undefined;
  /**
   * What the run was asked for: the command and the flags that a resumed run needs, without key material. Recorded in the
   * journal. Default: nothing.
   */
  readonly request?: Json | undefined;
  /** How the run was started; recorded in the journal, read to resume it. Default: nothing is recorded. */
  readonly origin?: RunOrigin | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs a playbook: checks and plans all phases, refuses or asks for confirmation, then runs phase by phase and plans each
 * again when it is reached. Undo records are on disk before each write.
 *
 * A failure before the first verified irreversible step rolls back the whole run; later, only the failed step, because a
 * control plane that serves again must stay up.
 *
 * @throws WorkflowError `WORKFLOW_BLOCKED` `PLAN_STALE` `RUN_UNFINISHED` `RUN_NOT_FOUND` `RESUME_CONTRADICTS` `JOURNAL_CORRUPT`
 * `JOURNAL_LOST` `JOURNAL_NEWER` (nothing changed), `APPLY_ROLLED_BACK`, `ROLLBACK_INCOMPLETE`, `NOT_VERIFIED`, `WAITING_FOR_OTHERS`, `INTERRUPTED` `LOCK_LOST`; HostError `HOST_LOCKED`
 */
export async function runPlaybook(input: RunInput, given: WorkflowDeps): Promise<RunResult> {
  const { playbook, selection, resumeCommand } = input;
  const { host, clock } = given;
  const started = clock.now();
  const waiting = createWaitClock(clock);
  const times = (): Pick<RunResult, 'seconds' | 'waitedSeconds'> => ({
    seconds: (clock.now().getTime() - started.getTime()) / 1000,
    waitedSeconds: waiting.seconds(),
  });
  return withRunLock(given, { holder: `run ${playbook.id}`, guarded: 'writes' }, async (lock) => {
    const deps = { ...given, kinds: lock.kinds };
    const signal = AbortSignal.any([input.signal, lock.lost]);
    const entries = await deps.store.survey();
    const resumed = await findRunToResume(entries, playbook.id, input.resume ?? false, deps);
    if (resumed !== undefined) assertFilesOnly(resumed.state.activeChanges, deps);
    if (resumed !== undefined) await revertUnfinished(resumed.run, resumed.state, deps);
    const isFirstRun = entries.length === 0;
    const planned = isFirstRun ? input.planned : undefined;
    const plan = planned ?? (await planPlaybook(playbook, { host: host.name, clock, selection, signal }));
    assertNotBlocked(plan);
    if (input.expected !== undefined) assertSamePlan(input.expected, plan);
    const pending = resumed?.state.unverified ?? new Set<string>();
    // Steps applied by an earlier attempt are verified again, even when no work is left.
    if (!hasWork(plan) && (resumed?.state.applied.size ?? 0) === 0) {
      if (resumed !== undefined) await finish(resumed.run, resumeCommand, deps);
      return { runId: resumed?.run.id, outcome: 'nothing-to-do', plan, steps: [], ...times() };
    }
    if (!(await input.confirm(plan))) return { runId: undefined, outcome: 'declined', plan, steps: [], ...times() };
    await assertFeasible(plan, deps);
    // The question may have waited for long.
    await lock.assertHeld();
    const run =
      resumed?.run ??
      (await deps.store.create({
        playbook: playbook.id,
        at: clock.now(),
        resumeCommand,
        input: input.request,
        origin: input.origin,
      }));
    deps.onEvent({ type: 'run-started', runId: run.id, path: run.path });
    const execution = {
      playbook,
      startedAt: started,
      selection,
      pending,
      hasWork: hasWork(plan),
      run,
      resumeCommand,
      waiting,
      signal,
    };
    const steps = await executePhases(execution, deps).catch((error: unknown) => {
      throw lock.lost.aborted ? explainLostLock(error, run) : error;
    });
    await finish(run, resumeCommand, deps);
    const needsForce = await isForceNeeded(run, deps);
    return { runId: run.id, outcome: 'done', plan, steps, ...times(), needsForce };
  });
}

/**
 * Rolls back the changes of a run, unit by unit, newest first.
 *
 * A unit with a target that another process has changed since is left as a whole and returned. The bytes that are replaced are kept
 * in the backup directory of the run, so that the rollback can be undone by hand. Does not undo what a program did by itself after a
 * restart.
 *
 * @param id of a run, or `latest`
 * @throws WorkflowError `RUN_NOT_FOUND` `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`; HostError `HOST_LOCKED` `HOST_COPY`
 */
export async function rollbackRun(id: string, given: WorkflowDeps): Promise<Unwound> {
  return withRunLock(given, { holder: `rollback ${id}`, guarded: 'undo' }, async (lock) => {
    const deps = { ...given, kinds: lock.kinds };
    const run = await deps.store.open(id);
    const { activeChanges, header } = await run.state();
    assertKnownKinds(activeChanges, deps.kinds, { path: run.path, header });
    assertFilesOnly(activeChanges, deps);
    await run.backup.assertOpens();
    await run.markEnd();
    const unwound = await unwind(activeChanges, { ...deps, run });
    const outcome = unwound.notReverted.length === 0 ? 'rolled-back' : 'rollback-incomplete';
    await recordEnd(run, outcome, deps.clock);
    return unwound;
  });
}

async function finish(run: RunDirectory, resumeCommand: string | undefined, deps: WorkflowDeps): Promise<void> {
  const reason = await recordEnd(run, 'done', deps.clock);
  if (reason === undefined) return;
  throw new WorkflowError({
    code: 'NOT_VERIFIED',
    message: `every step is verified, but the end of the run could not be recorded: ${reason}`,
    subject: run.id,
    hint: `make the journal writable again, then ${describeNextSteps({ id: run.id, resumeCommand, outcome: undefined }, await rollbackAccessOf(run, deps))}`,
  });
}

/** Runs the preflight checks of every change before the first write. */
async function assertFeasible(plan: Plan, { host, kinds, store }: WorkflowDeps): Promise<void> {
  await assertDiskSpace(host, store.directory);
  for (const change of plan.entries.flatMap(({ changes }) => changes)) await kindOf(kinds, change).preflight(change);
}

/** The seal of the run decides, not that of the present command. */
async function accessTo({ id, header }: RunState, deps: WorkflowDeps): Promise<RunAccess> {
  const { host, store } = deps;
  const needsForce = await isForceNeeded(await store.open(id), deps);
  return { root: host.kind === 'copy' ? host.name : null, isSealed: (header?.seal ?? []).length > 0, needsForce };
}

async function findRunToResume(
  entries: readonly RunEntry[],
  playbook: string,
  resume: boolean,
  deps: WorkflowDeps,
): Promise<{ readonly run: RunDirectory; readonly state: RunState } | undefined> {
  const { store, kinds, host } = deps;
  assertNoneIncomplete(entries);
  if (!resume) {
    const unfinishedRun = chooseUnfinished(entries);
    if (unfinishedRun === undefined) return undefined;
    throw new WorkflowError({
      code: 'RUN_UNFINISHED',
      message: 'a previous run was interrupted; its changes are incomplete; nothing was changed now',
      subject: unfinishedRun.id,
      hint: describeNextSteps(unfinishedRun, await accessTo(unfinishedRun, deps)),
    });
  }
  const state = chooseResumable(entries);
  if (state === undefined) {
    throw new WorkflowError({
      code: 'RUN_NOT_FOUND',
      message: 'no run to resume',
      subject: store.directory,
      hint: 'start a new run, without --resume',
    });
  }
  if (state.playbook !== playbook) {
    throw new WorkflowError({
      code: 'RUN_UNFINISHED',
      message: `the run to resume belongs to ${state.playbook}, not to ${playbook}; nothing was changed now`,
      subject: state.id,
      hint: describeNextSteps(state, await accessTo(state, deps)),
    });
  }
  const run = await store.open(state.id);
  await assertSameSeal(state, run, { store, host });
  assertKnownKinds(state.activeChanges, kinds, { path: run.path, header: state.header });
  if (state.unfinished.length > 0) await run.backup.assertOpens();
  return { run, state };
}

/**
 * A run that began with encrypted backups may not keep plain ones, nor the reverse.
 * @throws WorkflowError `RESUME_CONTRADICTS`
 */
async function assertSameSeal(
  { id, header }: RunState,
  run: RunDirectory,
  { store, host }: Pick<WorkflowDeps, 'store' | 'host'>,
): Promise<void> {
  const now = describeSeal(store.recipients);
  // Version 1 does not record the recipients; its files show that there were some.
  const isSealed = ((await host.list(joinPath(run.path, 'backup'))) ?? []).some((name) => name.endsWith('.sealed'));
  const then = header?.seal === undefined && isSealed ? 'encrypted' : describeSeal(header?.seal ?? store.recipients);
  if (then === now || (then === 'encrypted' && store.recipients.length > 0)) return;
  throw new WorkflowError({
    code: 'RESUME_CONTRADICTS',
    message: `the backups of the run do not have these recipients: then ${then}; now ${now}; nothing was changed now`,
    subject: id,
    hint: 'resume it with --backup-recipient as it was given then',
  });
}

function describeSeal(recipients: readonly string[]): string {
  return recipients.length === 0 ? 'not encrypted' : recipients.toSorted().join(', ');
}

/** Rolls back the interrupted step, so that every step is either applied or not. */
async function revertUnfinished(run: RunDirectory, state: RunState, deps: WorkflowDeps): Promise<void> {
  await run.append({ type: 'resumed', at: deps.clock.now().toISOString() });
  const { notReverted } = await unwind(state.unfinished, { ...deps, run });
  if (notReverted.length === 0) return;
  throw new WorkflowError({
    code: 'ROLLBACK_INCOMPLETE',
    message: `the interrupted step could not be rolled back: ${describeNotReverted(notReverted)}`,
    subject: run.path,
    hint: 'restore these files by hand from the backup directory of this run, then resume',
  });
}
