import { RecoveryError } from '@kube-rescue/errors';

export type JoinErrorCode =
  | 'JOIN_TAINT_INVALID'
  | 'JOIN_LABEL_INVALID'
  | 'JOIN_NODE_UNKNOWN'
  | 'JOIN_WRONG_MACHINE'
  | 'JOIN_FILE_INVALID'
  | 'JOIN_WORKER_FAILED';

/** A node was not brought back into its cluster. */
export class JoinError extends RecoveryError<JoinErrorCode> {}
