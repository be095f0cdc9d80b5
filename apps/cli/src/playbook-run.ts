import { describeError } from '@kube-rescue/errors';
import { baseName, hostPath, parentPath } from '@kube-rescue/host';
import type { Change, Json, Plan, Playbook, RunResult, Selection, WorkflowDeps } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { ask, assertCanConfirm, isOnTerminal } from './confirmation.ts';
import { CliError } from './errors.ts';
import { claimsNothingChanged, EXIT } from './exit-codes.ts';
import { type PlanSummary, renderPlan, summarizePlan } from './render/plan.ts';
import type { DescribeChange } from './render/plan-entry.ts';
import { createProgress } from './render/progress.ts';
import { indentHint } from './render/text.ts';
import { followRun } from './render/workflow-progress.ts';
import { answerRun, type AfterRun, type RunAnswer } from './run-answer.ts';
import { assertMayWrite, dependsOnSshSession, type Session } from './wiring.ts';

/** Input of every command that carries out a playbook. */
export interface PlaybookInput {
  readonly playbook: (session: Session) => Promise<Playbook>;
  readonly selection: Selection;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly resume?: boolean;
  /** Command that resumes an unfinished run, such as `recover --resume`. Default: none. */
  readonly resumeCommand?: string;
  /** Flags that a resumed run needs; see `RunInput`. */
  readonly request?: Json | undefined;
  /** The plan to carry out. */
  readonly expected?: Plan | undefined;
  /** What to do once it is done. Default: nothing. */
  readonly after?: AfterRun | undefined;
  /** Refuses a plan by throwing, before anything is written. Default: every plan is accepted. */
  readonly accept?: ((plan: Plan) => void) | undefined;
  /** Why nothing of it can be rolled back, said before the question. Default: a rollback puts everything back. */
  readonly finality?: string | undefined;
}

/** Answer of a plan. */
export interface PlanAnswer extends PlanSummary {
  readonly plan: Plan;
  readonly steps?: undefined;
}

const SAFETY =
  'Each change is journalled before it is made; `kube-rescue rollback latest` puts all of them back. Ctrl-C stops at the next safe point.';
const FILES_ONLY = `Files of the copy alone are changed, nothing is restarted. ${SAFETY}`;
const THEN = 'asks, then makes these changes; `kube-rescue rollback latest` puts them back';
const THEN_FOR_GOOD = 'asks, then makes these changes for good: no rollback puts them back';

/** Checks and plans a playbook, changes nothing. */
export async function makePlan(input: Pick<PlaybookInput, 'playbook' | 'selection'>, session: Session): Promise<Plan> {
  return planFor(await input.playbook(session), input.selection, session);
}

async function planFor(playbook: Playbook, selection: Selection, session: Session): Promise<Plan> {
  const { planPlaybook } = await import('@kube-rescue/workflow');
  const { host, clock, interruption } = session;
  return planPlaybook(playbook, { host: host.name, clock, selection, signal: interruption.signal });
}

/**
 * The plan as an answer; exit 3 when it has changes.
 * @param next the command that carries it out, with the flags of this call
 * @param then what that command does. Default: it asks, and can be rolled back
 */
export async function answerPlan(
  plan: Plan,
  next: string | undefined,
  session: Session,
  then = THEN,
): Promise<Answer<PlanAnswer>> {
  const { hasWork } = await import('@kube-rescue/workflow');
  const describe = describer(await session.openWorkflow(() => undefined));
  const typed = session.typed(session.command);
  const dryRun = session.command === 'plan' ? '' : ' --dry-run';
  return {
    result: { ...summarizePlan(plan), plan },
    exitCode: hasWork(plan) ? EXIT.problems : EXIT.done,
    text: (terminal) =>
      renderPlan(plan, describe, terminal, {
        verbose: session.verbose,
        details: typed && `${typed}${dryRun} --verbose`,
        next: next === undefined ? undefined : { command: next, text: then },
      }),
  };
}

/** Carries out a playbook, or shows its plan with `--dry-run`. */
export async function answerPlaybook(input: PlaybookInput, session: Session): Promise<Answer<RunAnswer | PlanAnswer>> {
  if (input.dryRun) {
    const plan = await makePlan(input, session);
    input.accept?.(plan);
    const then = input.finality === undefined ? THEN : THEN_FOR_GOOD;
    return answerPlan(plan, session.typed(session.command), session, then);
  }
  assertMayWrite(session.host);
  if (session.host.kind === 'live' && dependsOnSshSession()) {
    session.reporter.print(
      'note: a lost SSH session stops this run at its next safe point; run it in tmux or screen to keep it going',
    );
  }
  const result = await carryOut(input, session);
  const access = input.finality === undefined ? await describeAccess(result, session) : undefined;
  return answerRun(result, { access, after: input.after }, session);
}

async function carryOut(input: PlaybookInput, session: Session): Promise<RunResult> {
  const { hasWork, runPlaybook } = await import('@kube-rescue/workflow');
  const { reporter, clock, interruption } = session;
  const progress = createProgress(reporter, clock);
  let run: string | undefined;
  const follow = followRun(progress, {
    verbose: session.verbose,
    onRun: (path) => {
      run = path;
      interruption.remember(`the journal of the run is in ${path}`);
    },
  });
  const deps = await session.openWorkflow(follow);
  const confirmation = { yes: input.yes, hasTerminal: isOnTerminal(), command: session.typed(session.command) };
  let accept: PlaybookInput['accept'] = (plan) => {
    input.accept?.(plan);
    // Whatever else is wrong is said first; whether there is a run to resume is found later.
    if (hasWork(plan) && input.resume !== true) assertCanConfirm(confirmation);
  };
  const started = clock.now().getTime();
  /** Time of the operator, which is no work. */
  let askedMs = 0;
  /** Of the plan: a run measures the waiting of its steps. */
  let silentSeconds = 0;
  const confirm = async (plan: Plan): Promise<boolean> => {
    silentSeconds = session.silentSeconds();
    accept?.(plan);
    assertCanConfirm(confirmation);
    reporter.print(`${renderPlan(plan, describer(deps), reporter.terminal, { verbose: session.verbose })}\n`);
    if (input.finality !== undefined) reporter.print(indentHint('', input.finality, reporter.terminal));
    if (input.yes) return true;
    const effect = input.finality === undefined ? (session.host.kind === 'copy' ? FILES_ONLY : SAFETY) : '';
    if (effect !== '') reporter.print(indentHint('', effect, reporter.terminal));
    const asked = clock.now().getTime();
    const answer = await ask(`Make these changes on ${plan.host}?`, interruption.signal);
    askedMs += clock.now().getTime() - asked;
    return answer;
  };
  const { selection, expected, resume, resumeCommand, request } = input;
  try {
    const playbook = await input.playbook(session);
    const planned = await planFirstRun(playbook, selection, session, deps);
    if (planned !== undefined) {
      accept?.(planned);
      accept = undefined;
    }
    const origin = await session.describeOrigin();
    const runInput = { playbook, selection, expected, planned, resume, resumeCommand, request, origin };
    const result = await runPlaybook({ ...runInput, confirm, signal: interruption.signal }, deps);
    if (result.outcome === 'nothing-to-do') accept?.(result.plan);
    const seconds = Math.max(clock.now().getTime() - started - askedMs, 0) / 1000;
    return { ...result, seconds, waitedSeconds: result.waitedSeconds + silentSeconds };
  } catch (error) {
    throw run === undefined ? error : await explainInterruption(error, run, resumeCommand, deps);
  } finally {
    progress.stop();
  }
}

/**
 * Plans before the first lock is taken on a host, so that a refusal leaves not even a lock file behind.
 * @throws WorkflowError `WORKFLOW_BLOCKED`, and what the playbook's phases throw
 */
async function planFirstRun(
  playbook: Playbook,
  selection: Selection,
  session: Session,
  { store }: WorkflowDeps,
): Promise<Plan | undefined> {
  if ((await session.host.list(parentPath(store.directory))) !== undefined) return undefined;
  const { assertNotBlocked } = await import('@kube-rescue/workflow');
  const plan = await planFor(playbook, selection, session);
  assertNotBlocked(plan);
  return plan;
}

/** A run without an outcome (the disk of its journal is full, for example) has left active changes. */
async function explainInterruption(
  error: unknown,
  run: string,
  resumeCommand: string | undefined,
  deps: WorkflowDeps,
): Promise<unknown> {
  const { describeNextSteps, rollbackAccessOf, WorkflowError } = await import('@kube-rescue/workflow');
  if (error instanceof WorkflowError && !claimsNothingChanged(error)) return error;
  const id = baseName(hostPath(run));
  const access = await rollbackAccessOf(await deps.store.open(id), deps);
  return new CliError({
    code: 'RUN_CUT_OFF',
    message: `the run was interrupted; its changes are active: ${describeError(error)}`,
    subject: run,
    hint: `fix the cause, then ${describeNextSteps({ id, resumeCommand, outcome: undefined }, access)}`,
    cause: error,
  });
}

/** Flags that a rollback of the run needs as things are now. */
async function describeAccess({ needsForce }: RunResult, session: Session): Promise<string> {
  const { accessOf, rollbackFlags } = await import('@kube-rescue/workflow');
  return rollbackFlags({ ...accessOf({ host: session.host, store: await session.openRuns() }), needsForce });
}

function describer({ kinds }: WorkflowDeps): DescribeChange {
  return (change: Change) => kinds.get(change.kind)?.describe(change) ?? `${change.kind} ${change.target}`;
}
