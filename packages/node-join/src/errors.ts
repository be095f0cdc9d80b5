import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const JOIN_ERRORS = {
  JOIN_TAINT_INVALID: 'usage',
  JOIN_LABEL_INVALID: 'usage',
  JOIN_NODE_UNKNOWN: 'missing',
  JOIN_NODE_INVALID: 'invalid',
  JOIN_WRONG_MACHINE: 'invalid',
  JOIN_FILE_INVALID: 'invalid',
  JOIN_WORKER_FAILED: 'failed',
  JOIN_REQUEST_REFUSED: 'refused',
} as const satisfies Record<string, ErrorKind>;

export type JoinErrorCode = keyof typeof JOIN_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'node-join': typeof JOIN_ERRORS;
  }
}

/** A node did not rejoin its cluster. */
export class JoinError extends RecoveryError<JoinErrorCode> {
  constructor(details: RecoveryErrorDetails<JoinErrorCode>) {
    super(details, JOIN_ERRORS);
  }
}
