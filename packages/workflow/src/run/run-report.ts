import { redact } from '@kube-rescue/errors';
import type { Change, UndoOutcome } from '../plan/change.ts';
import type { IntentRecord, JournalRecord, RunOutcome } from '../journal/journal-record.ts';
import type { FindingStatus, StepId } from '../plan/step.ts';

/** One step of a run: its finding and its result. */
export interface ReportedStep {
  readonly step: StepId;
  readonly phase: string;
  readonly title: string;
  readonly status: FindingStatus;
  /** The problem found. */
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly hint: string | undefined;
  /** `applied`: applied but not verified. `not-applied`: refused, failed or never reached. */
  readonly result: 'verified' | 'applied' | 'not-applied';
  /** Evidence of the verification. */
  readonly proof: readonly string[];
  readonly warnings: readonly string[];
  /** From the start of the run to the verification; absent when it was not verified. */
  readonly endSeconds?: number | undefined;
}

/** One change of a run. */
export interface ReportedChange {
  readonly step: StepId;
  readonly kind: string;
  readonly target: string;
  readonly text: string;
  /** `not-reverted`: the rollback found the target changed by another process. */
  readonly state: 'active' | 'rolled-back' | 'not-reverted';
  readonly reason: string | undefined;
}

/** One event of a run. */
interface ReportedEvent {
  /** RFC 3339. */
  readonly at: string;
  /** Since the run began. */
  readonly seconds: number;
  readonly text: string;
}

/** Findings, changes and outcome of a run, for the next operator. Plain data without key material. */
export interface RunReport {
  readonly version: 1;
  readonly run: string;
  readonly playbook: string;
  readonly host: string;
  /** Root directory of the copy that the run changed; `null` on a live machine. */
  readonly root: string | null;
  /** Whether its backups are encrypted. */
  readonly isSealed: boolean;
  readonly startedAt: string;
  /** As in `RunInput`. */
  readonly resumeCommand: string | undefined;
  readonly endedAt: string | undefined;
  /** `undefined` while the run is active, or after it was interrupted. */
  readonly outcome: RunOutcome | undefined;
  /** Why the run failed. */
  readonly reason: string | undefined;
  readonly steps: readonly ReportedStep[];
  readonly changes: readonly ReportedChange[];
  readonly timeline: readonly ReportedEvent[];
}

/**
 * Folds a journal into a report; pure. Journals of earlier versions have no findings: their steps are derived from other records.
 *
 * @param describe one line for a change
 */
export function deriveRunReport(
  records: readonly JournalRecord[],
  id: string,
  describe: (change: Change) => string,
): RunReport {
  const header = records.find((record) => record.type === 'run');
  const end = records.findLast((record) => record.type === 'end' || record.type === 'resumed');
  const startedAt = header?.at ?? '';
  return {
    version: 1,
    run: id,
    playbook: header?.playbook ?? 'unknown',
    host: header?.host ?? 'unknown',
    root: header?.root ?? null,
    isSealed: (header?.seal ?? []).length > 0,
    startedAt,
    resumeCommand: header?.resumeCommand,
    endedAt: end?.type === 'end' ? end.at : undefined,
    outcome: end?.type === 'end' ? end.outcome : undefined,
    reason: end?.type === 'end' ? end.reason : undefined,
    steps: stepsOf(records, startedAt),
    changes: changesOf(records, describe),
    timeline: timelineOf(records, startedAt),
  };
}

function stepsOf(records: readonly JournalRecord[], startedAt: string): readonly ReportedStep[] {
  const steps = new Map<StepId, ReportedStep>();
  for (const record of records) {
    if (record.type === 'finding') {
      const { step, phase, title, status, summary, evidence, hint } = record;
      const known = steps.get(step);
      // A resumed step is checked again; its first finding names the problem.
      const first = known?.status === 'needed' ? known : { phase, title, status, summary, evidence, hint };
      steps.set(step, { ...first, step, result: 'not-applied', proof: [], warnings: [] });
    } else if (record.type === 'applied') {
      steps.set(record.step, { ...stepOf(steps, record.step), result: 'applied' });
    } else if (record.type === 'verified') {
      const { step, evidence: proof = [], warnings = [] } = record;
      const endSeconds = (Date.parse(record.at) - Date.parse(startedAt)) / 1000;
      steps.set(step, { ...stepOf(steps, step), result: 'verified', proof, warnings, endSeconds });
    }
  }
  return [...steps.values()];
}

function stepOf(steps: ReadonlyMap<StepId, ReportedStep>, step: StepId): ReportedStep {
  const unknown = { phase: '', title: step, status: 'needed', summary: '', evidence: [], hint: undefined } as const;
  return steps.get(step) ?? { ...unknown, step, result: 'not-applied', proof: [], warnings: [] };
}

function changesOf(records: readonly JournalRecord[], describe: (change: Change) => string): readonly ReportedChange[] {
  // The last outcome of an undo counts.
  const outcomes = new Map(
    records.flatMap((record) => (record.type === 'undone' ? [[record.seq, record.outcome]] : [])),
  );
  return records.flatMap((record) =>
    record.type === 'intent' ? [changeOf(record, outcomes.get(record.seq), describe)] : [],
  );
}

function changeOf(
  { step, change }: IntentRecord,
  outcome: UndoOutcome | undefined,
  describe: (change: Change) => string,
): ReportedChange {
  const state = outcome === undefined ? 'active' : outcome.state === 'foreign' ? 'not-reverted' : 'rolled-back';
  const reason = outcome?.state === 'foreign' ? outcome.reason : undefined;
  return { step, kind: change.kind, target: change.target, text: redact(describe(change)), state, reason };
}

function timelineOf(records: readonly JournalRecord[], startedAt: string): readonly ReportedEvent[] {
  const titles = new Map(records.flatMap((record) => (record.type === 'finding' ? [[record.step, record.title]] : [])));
  const titled = (step: StepId): string => titles.get(step) ?? step;
  const texts = records.map((record): readonly [at: string, text: string] | undefined => {
    switch (record.type) {
      case 'run':
        return [record.at, 'run started'];
      case 'resumed':
        return [record.at, 'run resumed'];
      case 'finding':
        return record.status === 'blocked' || record.status === 'unknown'
          ? [record.at, `${record.title}: ${record.summary}`]
          : undefined;
      case 'step':
        return [record.at, `${titled(record.step)}: started`];
      case 'applied':
        return [record.at, `${titled(record.step)}: applied`];
      case 'verified':
        return [record.at, `${titled(record.step)}: verified`];
      case 'end':
        return [record.at, `run ended: ${record.outcome}`];
      default:
        return undefined;
    }
  });
  return texts.flatMap((entry) => {
    if (entry === undefined) return [];
    const [at, text] = entry;
    return [{ at, seconds: (Date.parse(at) - Date.parse(startedAt)) / 1000, text }];
  });
}
