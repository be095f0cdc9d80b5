export type { BackupSeal } from './backup-seal.ts';
export type { BackupFolder, Change, ChangeKind, Edit, Json, UndoOutcome } from './change.ts';
export { type ChangeRegistry, createChangeRegistry } from './change-registry.ts';
export { sha256 } from './digest.ts';
export { WorkflowError, type WorkflowErrorCode } from './errors.ts';
export { toErrorFinding } from './error-finding.ts';
export type { WorkflowEvent, WorkflowListener } from './events.ts';
export {
  describeReplacement,
  type FileDigest,
  type FileRemove,
  type FileReplace,
  type LinkReplace,
  type PathState,
  readBefore,
  type ServiceRestart,
} from './file-change.ts';
export { hostChangeKinds } from './host-changes/index.ts';
export type { IntentRecord, JournalRecord, RunOutcome } from './journal-record.ts';
export type { StepReport } from './phase-runner.ts';
export { inLanes } from './lanes.ts';
export { assertNotBlocked, hasWork, listBlockers, type Plan, type PlanEntry, planPlaybook } from './plan.ts';
export { deriveRunReport, type ReportedChange, type ReportedStep, type RunReport } from './run-report.ts';
export type { RunState } from './run-state.ts';
export { openRunStore, type RunFolder, RUNS_DIRECTORY, type RunStore } from './run-store.ts';
export { rollbackRun, type RunInput, type RunResult, runPlaybook, type WorkflowDeps } from './runner.ts';
export type { Selection } from './selection.ts';
export type { Finding, FindingStatus, Phase, Playbook, Step, StepId, StepJournal, Verdict } from './step.ts';
export type { Leftover } from './unwind.ts';
export { describeWayOn } from './way-on.ts';
