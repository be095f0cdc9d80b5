import { describeError, redact } from '@kube-rescue/errors';
import type { FindingRecord } from '../journal/journal-record.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import { openStepJournal, type Sequence } from '../journal/step-journal.ts';
import { isSelected, type Selection } from '../plan/selection.ts';
import type { Finding, Step, StepId, StepJournal, Verdict } from '../plan/step.ts';
import { StepFailure } from './run-failure.ts';
import type { WaitClock } from './wait-clock.ts';
import type { WorkflowDeps } from './workflow-deps.ts';

/** The result of one step. */
export interface StepReport {
  readonly phase: string;
  readonly step: StepId;
  readonly title: string;
  readonly result: 'ok' | 'done' | 'skipped';
  readonly changes: number;
  readonly evidence: readonly string[];
  /** What it restarted or started; absent when nothing. */
  readonly restarted?: readonly string[];
  /** What the operator has to know although the step succeeded. */
  readonly warnings?: readonly string[];
  /** Seconds from the start of the check to the verdict. */
  readonly seconds: number;
  /** Seconds from the start of the run to the verdict. */
  readonly endSeconds: number;
  /** Of these, seconds spent waiting; absent when the step reported no waiting. */
  readonly waitedSeconds?: number;
}

/** The run that a step is part of. */
export interface StepContext {
  /** The start of this attempt. */
  readonly startedAt: Date;
  readonly selection: Selection;
  /** Steps applied but not verified by an earlier attempt. */
  readonly pending: ReadonlySet<StepId>;
  /** Steps other than precautions have work. */
  readonly hasWork: boolean;
  /** Steps applied so far, by this attempt or an earlier one. */
  readonly applied: ReadonlySet<StepId>;
  readonly sequence: Sequence;
  readonly waiting: WaitClock;
  readonly run: RunDirectory;
  readonly signal: AbortSignal;
}

/**
 * Checks one step, applies what is needed, and verifies it.
 * @throws StepFailure
 */
export async function executeStep(
  step: Step,
  phase: string,
  context: StepContext,
  deps: WorkflowDeps,
): Promise<StepReport> {
  const { run, signal, selection, pending, sequence, applied } = context;
  const { clock, onEvent } = deps;
  const started = clock.now();
  const secondsSince = (time: Date): number => (clock.now().getTime() - time.getTime()) / 1000;
  const report = (result: StepReport['result'], changes: number, evidence: readonly string[]): StepReport => {
    const seconds = secondsSince(started);
    const endSeconds = secondsSince(context.startedAt);
    return { phase, step: step.id, title: step.title, result, changes, evidence, seconds, endSeconds };
  };
  if (!isSelected(step.id, selection)) return report('skipped', 0, []);
  const isIdle = step.isPrecaution === true && (!context.hasWork || applied.has(step.id));
  if (isIdle) return report('ok', 0, []);
  const finding = await step.check(signal);
  const isDue = pending.has(step.id) || (step.isProof === true && step.requires.some((id) => applied.has(id)));
  if (finding.status !== 'ok' || !isDue) onEvent({ type: 'step-checked', step: step.id, title: step.title, finding });
  if (finding.status === 'ok' && !isDue) {
    const { evidence, warnings = [] } = finding;
    return { ...report('ok', 0, evidence), ...(warnings.length === 0 ? {} : { warnings }) };
  }
  const at = (): string => clock.now().toISOString();
  const found = toRecord(step, phase, finding, at());
  if (finding.status !== 'needed') await run.append(found);
  assertReady(step, finding);
  onEvent({ type: 'step-started', step: step.id, title: step.title });
  const measured = context.waiting.measure((whileWaiting) =>
    openStepJournal(step, { run, kinds: deps.kinds, sequence, clock, onEvent, whileWaiting }),
  );
  let waited = 0;
  const isNeeded = finding.status === 'needed';
  const changes = isNeeded ? step.plan(finding) : [];
  const restarts = isNeeded ? (finding.restarts ?? []) : [];
  const verdict = await applyAndVerify().finally(() => {
    waited = measured.end();
  });
  const { evidence, warnings } = verdict;
  await run.append({
    type: 'verified',
    step: step.id,
    at: at(),
    evidence: evidence.map(redact),
    warnings: warnings?.map(redact),
  });
  return {
    ...report('done', changes.length, verdict.evidence),
    ...(waited === 0 ? {} : { waitedSeconds: waited }),
    ...(restarts.length === 0 ? {} : { restarted: restarts }),
    ...(verdict.warnings === undefined ? {} : { warnings: verdict.warnings }),
  };

  async function applyAndVerify(): Promise<Extract<Verdict, { verified: true }>> {
    if (finding.status === 'needed') {
      await run.append(found, { type: 'step', step: step.id, at: at() });
      try {
        await step.apply(changes, measured.journal, signal);
      } catch (cause) {
        throw new StepFailure(step, 'apply', describeError(cause), { cause });
      }
      await run.append({ type: 'applied', step: step.id, at: at() });
    }
    const seen = await verifyStep(step, signal, measured.journal);
    const { verified } = seen;
    onEvent({ type: 'step-finished', step: step.id, verified, evidence: verified ? seen.evidence : [seen.reason] });
    if (!verified) throw new StepFailure(step, 'verify', seen.reason, { hint: seen.hint, awaits: seen.awaits });
    return seen;
  }
}

function toRecord({ id, title }: Step, phase: string, finding: Finding, at: string): FindingRecord {
  const { status, summary, evidence, hint } = finding;
  const redacted = { summary: redact(summary), evidence: evidence.map(redact), hint: hint && redact(hint) };
  return { type: 'finding', step: id, phase, title, status, ...redacted, at };
}

async function verifyStep(step: Step, signal: AbortSignal, journal: StepJournal): Promise<Verdict> {
  try {
    return await step.verify(signal, (what) => journal.waitingFor(what));
  } catch (cause) {
    throw new StepFailure(step, 'verify', describeError(cause), { cause });
  }
}

function assertReady(step: Step, finding: Finding): void {
  if (finding.status === 'ok' || finding.status === 'needed') return;
  throw new StepFailure(step, 'blocked', finding.summary, { hint: finding.hint });
}
