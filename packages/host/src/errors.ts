import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const HOST_ERRORS = {
  HOST_PATH_INVALID: 'usage',
  HOST_NOT_FOUND: 'missing',
  HOST_PERMISSION_DENIED: 'denied',
  HOST_READ_ONLY: 'blocked',
  HOST_NO_SPACE: 'blocked',
  HOST_NOT_A_REGULAR_FILE: 'unreadable',
  HOST_FILE_TOO_LARGE: 'unreadable',
  HOST_STAGING_UNAVAILABLE: 'missing',
  HOST_CHANGED: 'conflict',
  HOST_IO: 'failed',
  HOST_LOCKED: 'blocked',
  HOST_EXEC_NOT_FOUND: 'missing',
  HOST_EXEC_TIMEOUT: 'unavailable',
  HOST_EXEC_OUTPUT_TOO_LARGE: 'unreadable',
  HOST_SERVICE_UNKNOWN: 'missing',
  HOST_SERVICE_FAILED: 'failed',
  HOST_CONNECTION_FAILED: 'unavailable',
  HOST_ANSWER_TOO_LARGE: 'unreadable',
  HOST_UNSUPPORTED: 'unsupported',
  HOST_COPY: 'unsupported',
  SOURCE_UNTRUSTED: 'refused',
  SSH_UNREACHABLE: 'unavailable',
  SSH_HOST_KEY_CHANGED: 'denied',
  SSH_HOST_KEY_UNKNOWN: 'denied',
  SSH_AUTHENTICATION_FAILED: 'denied',
  SSH_COMMAND_MISSING: 'missing',
} as const satisfies Record<string, ErrorKind>;

export type HostErrorCode = keyof typeof HOST_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    host: typeof HOST_ERRORS;
  }
}

/** An operation on a machine failed. */
export class HostError extends RecoveryError<HostErrorCode> {
  constructor(details: RecoveryErrorDetails<HostErrorCode>) {
    super(details, HOST_ERRORS);
  }
}
