import { RecoveryError } from '@kube-rescue/errors';

export type HostErrorCode =
  | 'HOST_PATH_INVALID'
  | 'HOST_NOT_FOUND'
  | 'HOST_PERMISSION_DENIED'
  | 'HOST_READ_ONLY'
  | 'HOST_NO_SPACE'
  | 'HOST_NOT_A_REGULAR_FILE'
  | 'HOST_FILE_TOO_LARGE'
  | 'HOST_STAGING_UNAVAILABLE'
  | 'HOST_IO'
  | 'HOST_LOCKED'
  | 'HOST_EXEC_NOT_FOUND'
  | 'HOST_EXEC_TIMEOUT'
  | 'HOST_SERVICE_UNKNOWN'
  | 'HOST_SERVICE_FAILED'
  | 'HOST_CONNECTION_FAILED'
  | 'HOST_UNSUPPORTED'
  | 'SSH_UNREACHABLE'
  | 'SSH_HOST_KEY_CHANGED'
  | 'SSH_HOST_KEY_UNKNOWN'
  | 'SSH_AUTHENTICATION_FAILED'
  | 'SSH_COMMAND_MISSING';

/** A machine did not do what was asked of it. */
export class HostError extends RecoveryError<HostErrorCode> {}
