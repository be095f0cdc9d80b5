import { RecoveryError } from '@kube-rescue/errors';

export type WorkflowErrorCode =
  | 'WORKFLOW_BLOCKED'
  | 'WORKFLOW_STEP_UNKNOWN'
  | 'WORKFLOW_REQUIREMENT_SKIPPED'
  | 'PLAN_STALE'
  | 'APPLY_ROLLED_BACK'
  | 'ROLLBACK_INCOMPLETE'
  | 'NOT_VERIFIED'
  | 'INTERRUPTED'
  | 'RUN_NOT_FOUND'
  | 'RUN_UNFINISHED'
  | 'JOURNAL_CORRUPT'
  | 'BACKUP_SEALED';

/** A run was refused, failed, or could not be rolled back. */
export class WorkflowError extends RecoveryError<WorkflowErrorCode> {}
