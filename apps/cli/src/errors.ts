import { RecoveryError } from '@kube-rescue/errors';

export type CliErrorCode =
  | 'USAGE'
  | 'CONFIRMATION_REQUIRED'
  | 'DECLINED'
  | 'INTERRUPTED'
  | 'NOT_ROOT'
  | 'PLAN_FILE_INVALID'
  | 'RUN_CUT_OFF'
  | 'ROLLBACK_INCOMPLETE'
  | 'ROLLBACK_OUT_OF_TURN'
  | 'ROLLBACK_WORSE'
  | 'ETCD_NO_WAY_IN'
  | 'ETCD_SILENT'
  | 'DRILL_UNSUPPORTED'
  | 'DRILL_PROOF_FAILED';

/** The command line itself refused, or was told to stop. */
export class CliError extends RecoveryError<CliErrorCode> {}
