export type { BackupSeal } from './journal/backup-seal.ts';
export type {
  BackupDirectory,
  Change,
  ChangeKind,
  Edit,
  Json,
  UndoOutcome,
  UndoPreview,
  WhileWaiting,
} from './plan/change.ts';
export { assertFilesOnly } from './run/copied-run.ts';
export { type ChangeRegistry, createChangeRegistry } from './plan/change-registry.ts';
export { sha256 } from './plan/digest.ts';
export { WORKFLOW_ERRORS, WorkflowError, type WorkflowErrorCode } from './errors.ts';
export { toErrorFinding } from './plan/error-finding.ts';
export type { WorkflowEvent, WorkflowListener } from './run/events.ts';
export {
  type FileDigest,
  type FileRemove,
  type FileReplace,
  type LinkReplace,
  type PathState,
  type ServiceRestart,
} from './plan/file-change-types.ts';
export {
  describeReplacement,
  readBefore,
} from './plan/file-change.ts';
export { hostChangeKinds } from './host-changes/index.ts';
export type {
  IntentRecord,
  JournalRecord,
  RecordedInput,
  RunHeader,
  RunOrigin,
  RunOutcome,
} from './journal/journal-record.ts';
export type { StepReport } from './run/step-runner.ts';
export { mapConcurrent } from './run/concurrency.ts';
export { assertNotBlocked, hasWork, listBlockers, type Plan, type PlanEntry, planPlaybook } from './plan/plan.ts';
export { withVariations } from './plan/plan-comparison.ts';
export { deriveRunReport, type ReportedChange, type ReportedStep, type RunReport } from './run/run-report.ts';
export type { RunState } from './run/run-state.ts';
export { assertSameFlags, assertSameInputs } from './run/resume-origin.ts';
export { findResumableRun } from './run/resumable-run.ts';
export { assertKnownKinds, describeChange } from './journal/known-kinds.ts';
export type { RunDirectory } from './journal/run-directory.ts';
export {
  type DamagedRun,
  LATEST_RUN,
  openRunStore,
  type RunEntry,
  RUNS_DIRECTORY,
  type RunStore,
} from './journal/run-store.ts';
export { type WorkflowDeps } from './run/workflow-deps.ts';
export { rollbackRun, type RunInput, type RunResult, runPlaybook } from './run/runner.ts';
export type { Selection } from './plan/selection.ts';
export type { Finding, FindingStatus, Phase, Playbook, Step, StepId, StepJournal, Verdict } from './plan/step.ts';
export type { NotReverted, ReplacedBytes, Unwound } from './run/unwound.ts';
export { accessFlags, accessOf, describeNextSteps, rollbackAccessOf, rollbackFlags } from './run/next-steps.ts';
export { groupUnits } from './run/units.ts';
