import { RecoveryError } from '@kube-rescue/errors';

export type EtcdErrorCode =
  | 'ETCD_ENDPOINT_INVALID'
  | 'ETCD_UNREACHABLE'
  | 'ETCD_NOT_ETCD'
  | 'ETCD_CREDENTIALS_INVALID'
  | 'ETCD_TLS_UNTRUSTED'
  | 'ETCD_SERVER_EXPIRED'
  | 'ETCD_NAME_MISMATCH'
  | 'ETCD_CLIENT_REJECTED'
  | 'ETCD_NO_QUORUM'
  | 'ETCD_NO_SPACE'
  | 'ETCD_BUSY'
  | 'ETCD_COMPACTED'
  | 'ETCD_TOO_LARGE'
  | 'ETCD_OUTCOME_UNKNOWN'
  | 'ETCD_TIMEOUT'
  | 'ETCD_CORRUPT'
  | 'ETCD_REFUSED'
  | 'ETCD_SNAPSHOT_TARGET_EXISTS'
  | 'ETCD_SNAPSHOT_NO_ROOM'
  | 'ETCD_SNAPSHOT_INVALID'
  | 'ETCD_NO_WAY_IN';

/** etcd could not be reached, or did not do what was asked of it. */
export class EtcdError extends RecoveryError<EtcdErrorCode> {}

/**
 * Whether the same request may succeed when it is made again, of another member or a little later, without anything
 * being repaired in between.
 *
 * `ETCD_OUTCOME_UNKNOWN` is not: the write may have been made. Read first, then decide.
 */
const RETRYABLE: Readonly<Record<EtcdErrorCode, boolean>> = {
  ETCD_ENDPOINT_INVALID: false,
  ETCD_UNREACHABLE: true,
  ETCD_NOT_ETCD: false,
  ETCD_CREDENTIALS_INVALID: false,
  ETCD_TLS_UNTRUSTED: false,
  ETCD_SERVER_EXPIRED: false,
  ETCD_NAME_MISMATCH: false,
  ETCD_CLIENT_REJECTED: false,
  ETCD_NO_QUORUM: true,
  ETCD_NO_SPACE: false,
  ETCD_BUSY: true,
  ETCD_COMPACTED: false,
  ETCD_TOO_LARGE: false,
  ETCD_OUTCOME_UNKNOWN: false,
  ETCD_TIMEOUT: true,
  ETCD_CORRUPT: false,
  ETCD_REFUSED: false,
  ETCD_SNAPSHOT_TARGET_EXISTS: false,
  ETCD_SNAPSHOT_NO_ROOM: false,
  ETCD_SNAPSHOT_INVALID: true,
  ETCD_NO_WAY_IN: false,
};

/** Tells whether `error` is etcd's and the same request may succeed when it is simply made again. */
export function isRetryable(error: unknown): error is EtcdError {
  return error instanceof EtcdError && RETRYABLE[error.code];
}
