import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const WORKFLOW_ERRORS = {
  WORKFLOW_BLOCKED: 'blocked',
  WORKFLOW_STEP_UNKNOWN: 'usage',
  WORKFLOW_REQUIREMENT_SKIPPED: 'usage',
  PLAN_STALE: 'conflict',
  APPLY_ROLLED_BACK: 'failed',
  ROLLBACK_INCOMPLETE: 'failed',
  NOT_VERIFIED: 'failed',
  WAITING_FOR_OTHERS: 'failed',
  INTERRUPTED: 'interrupted',
  LOCK_LOST: 'interrupted',
  RUN_NOT_FOUND: 'usage',
  RUN_UNFINISHED: 'blocked',
  JOURNAL_CORRUPT: 'invalid',
  JOURNAL_LOST: 'missing',
  JOURNAL_NEWER: 'unsupported',
  RESUME_CONTRADICTS: 'refused',
  RESUME_INPUT_CHANGED: 'conflict',
  BACKUP_SEALED: 'unreadable',
} as const satisfies Record<string, ErrorKind>;

export type WorkflowErrorCode = keyof typeof WORKFLOW_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    workflow: typeof WORKFLOW_ERRORS;
  }
}

/** A run was refused, failed, or could not be rolled back. */
export class WorkflowError extends RecoveryError<WorkflowErrorCode> {
  constructor(details: RecoveryErrorDetails<WorkflowErrorCode>) {
    super(details, WORKFLOW_ERRORS);
  }
}
