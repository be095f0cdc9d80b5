import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const CLI_ERRORS = {
  USAGE: 'usage',
  CONFIRMATION_REQUIRED: 'usage',
  DECLINED: 'refused',
  INTERRUPTED: 'interrupted',
  NOT_ROOT: 'denied',
  PLAN_FILE_INVALID: 'usage',
  PLAN_DIFFERS: 'refused',
  FILE_EXISTS: 'refused',
  RENEWAL_NOT_DUE: 'refused',
  RUN_CUT_OFF: 'failed',
  LEFT_INCOMPLETE: 'failed',
  ROLLBACK_INCOMPLETE: 'failed',
  ROLLBACK_OUT_OF_TURN: 'refused',
  ROLLBACK_WORSE: 'refused',
  ETCD_NO_WORKING_CREDENTIALS: 'unavailable',
  ETCD_NO_QUORUM: 'unavailable',
  ETCD_SILENT: 'unavailable',
  DRILL_NOT_INSTALLED: 'usage',
  RUNBOOK_MISSING: 'missing',
  SERVER_ENDED: 'failed',
  NODES_INVALID: 'usage',
  NODES_UNFIT: 'refused',
  NODES_BUSY: 'blocked',
  NODES_RUN_NOT_FOUND: 'missing',
  NODE_COMMAND_FAILED: 'failed',
  PROGRAM_NOT_GIVEN: 'usage',
  PROGRAM_UNUSABLE: 'unsupported',
} as const satisfies Record<string, ErrorKind>;

export type CliErrorCode = keyof typeof CLI_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    cli: typeof CLI_ERRORS;
  }
}

/** The command line itself refused or was interrupted. */
export class CliError extends RecoveryError<CliErrorCode> {
  constructor(details: RecoveryErrorDetails<CliErrorCode>) {
    super(details, CLI_ERRORS);
  }
}
