import type { Clock } from '@kube-rescue/host';
import type { Change } from './change.ts';
import { WorkflowError } from '../errors.ts';
import { mapConcurrent } from '../run/concurrency.ts';
import { assertSelectable, isSelected, type Selection } from './selection.ts';
import type { Finding, Playbook, Step, StepId } from './step.ts';

/** One step's finding and planned changes. */
export interface PlanEntry {
  readonly phase: string;
  readonly step: StepId;
  readonly title: string;
  readonly finding: Finding;
  readonly changes: readonly Change[];
  /** Excluded by `--only` or `--skip`. */
  readonly skipped: boolean;
}

/** Findings and changes of a playbook, as versioned plain data without key material. */
export interface Plan {
  readonly version: 1;
  readonly playbook: string;
  readonly host: string;
  readonly createdAt: string;
  readonly entries: readonly PlanEntry[];
  /**
   * The changes, as `KIND TARGET`, whose result is made again each time: it holds a key, a serial number or a time. Default: none.
   */
  readonly varies?: readonly string[] | undefined;
}

/** Checks write nothing, and on a dead cluster most of them wait for a server that does not answer. */
const CHECKS_AT_ONCE = 4;

/**
 * Checks every step of a playbook and plans those that are needed. Writes nothing.
 *
 * A dead cluster cannot be planned completely: entries that wait for others are `blocked` or `unknown` with `waitsFor`, and
 * are planned again when their phase is reached.
 *
 * @throws WorkflowError `WORKFLOW_STEP_UNKNOWN` `WORKFLOW_REQUIREMENT_SKIPPED`
 */
export async function planPlaybook(
  playbook: Playbook,
  input: {
    readonly host: string;
    readonly clock: Pick<Clock, 'now'>;
    readonly selection: Selection;
    readonly signal: AbortSignal;
  },
): Promise<Plan> {
  const { selection, signal } = input;
  const planned: { readonly phase: string; readonly step: Step }[] = [];
  for (const phase of playbook.phases) {
    for (const step of await phase.steps(signal)) planned.push({ phase: phase.id, step });
    signal.throwIfAborted();
  }
  const steps = planned.map(({ step }) => step);
  const entries = await mapConcurrent(planned, CHECKS_AT_ONCE, async ({ phase, step }): Promise<PlanEntry> => {
    signal.throwIfAborted();
    const skipped = !isSelected(step.id, selection);
    const found = await step.check(signal);
    const changes = found.status === 'needed' && !skipped ? step.plan(found) : [];
    return { phase, step: step.id, title: step.title, finding: toPlainFinding(found), changes, skipped };
  });
  assertSelectable(steps, entries, selection);
  const relevant = dropIdlePrecautions(entries, steps);
  return {
    version: 1,
    playbook: playbook.id,
    host: input.host,
    createdAt: input.clock.now().toISOString(),
    entries: relevant,
  };
}

/** Drops precautions where no other step has work. */
function dropIdlePrecautions(entries: readonly PlanEntry[], steps: readonly Step[]): readonly PlanEntry[] {
  const isPrecaution = (id: StepId): boolean => steps.some((step) => step.id === id && step.isPrecaution === true);
  if (entries.some((entry) => !isPrecaution(entry.step) && isOpen(entry))) return entries;
  return entries.map((entry) => {
    if (!isPrecaution(entry.step) || !isOpen(entry)) return entry;
    const finding: Finding = { status: 'ok', summary: 'no other step has work', evidence: [] };
    return { ...entry, finding, changes: [] };
  });
}

/** Whether a plan has anything to do, now or later. */
export function hasWork(plan: Plan): boolean {
  return plan.entries.some(isOpen);
}

function isOpen({ skipped, finding }: PlanEntry): boolean {
  return !skipped && finding.status !== 'ok';
}

/** Entries that no step of this plan will unblock. */
export function listBlockers(plan: Plan): readonly PlanEntry[] {
  return plan.entries.filter(({ finding, skipped }) => {
    const stuck = finding.status === 'blocked' || finding.status === 'unknown';
    return !skipped && stuck && (finding.waitsFor ?? []).length === 0;
  });
}

/**
 * Refuses a plan with steps that no step of this plan will unblock; the message groups them by reason.
 * @throws WorkflowError `WORKFLOW_BLOCKED`
 */
export function assertNotBlocked(plan: Plan): void {
  const blockers = listBlockers(plan);
  const [first] = blockers;
  if (first === undefined) return;
  const byReason = Map.groupBy(blockers, ({ finding: { about, summary } }) => about?.reason ?? summary);
  const reasons = [...byReason].map(([reason, same]) => `${same.map(({ step }) => step).join(', ')}: ${reason}`);
  throw new WorkflowError({
    code: 'WORKFLOW_BLOCKED',
    message: 'nothing was changed',
    reasons,
    subject: first.finding.subject ?? first.step,
    hint: first.finding.hint ?? 'fix the reported problem, then plan again',
    cause: first.finding.code === undefined ? undefined : { code: first.finding.code },
  });
}

function toPlainFinding(finding: Finding): Finding {
  const { status, summary, about, evidence, warnings, code, subject, hint, waitsFor } = finding;
  return JSON.parse(
    JSON.stringify({ status, summary, about, evidence, warnings, code, subject, hint, waitsFor }),
  ) as Finding;
}
