import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const ETCD_ERRORS = {
  ETCD_ENDPOINT_INVALID: 'usage',
  ETCD_UNREACHABLE: 'unavailable',
  ETCD_NOT_ETCD: 'invalid',
  ETCD_CREDENTIALS_INVALID: 'invalid',
  ETCD_TLS_UNTRUSTED: 'invalid',
  ETCD_SERVER_EXPIRED: 'invalid',
  ETCD_NAME_MISMATCH: 'invalid',
  ETCD_CLIENT_REJECTED: 'denied',
  ETCD_NO_QUORUM: 'unavailable',
  ETCD_NO_SPACE: 'blocked',
  ETCD_BUSY: 'unavailable',
  ETCD_COMPACTED: 'conflict',
  ETCD_TOO_LARGE: 'invalid',
  ETCD_OUTCOME_UNKNOWN: 'uncertain',
  ETCD_TIMEOUT: 'unavailable',
  ETCD_CORRUPT: 'invalid',
  ETCD_REFUSED: 'refused',
  ETCD_SNAPSHOT_TARGET_EXISTS: 'conflict',
  ETCD_SNAPSHOT_NO_SPACE: 'blocked',
  ETCD_SNAPSHOT_INVALID: 'invalid',
  ETCD_NO_WORKING_CREDENTIALS: 'unavailable',
  ETCD_DATABASE_INVALID: 'invalid',
  ETCD_OTHER_CLUSTER: 'invalid',
  ETCD_RESTORE_FAILED: 'failed',
  ETCD_RESTORE_REFUSED: 'refused',
  ETCD_RESTORE_TOOL: 'missing',
  ETCD_STILL_RUNS: 'blocked',
  ETCD_MEMBER_UNKNOWN: 'missing',
  ETCD_MEMBER_BEHIND: 'blocked',
} as const satisfies Record<string, ErrorKind>;

export type EtcdErrorCode = keyof typeof ETCD_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'etcd-access': typeof ETCD_ERRORS;
  }
}

/** etcd is unreachable, or a request to it failed. */
export class EtcdError extends RecoveryError<EtcdErrorCode> {
  constructor(details: RecoveryErrorDetails<EtcdErrorCode>) {
    super(details, ETCD_ERRORS);
  }
}
