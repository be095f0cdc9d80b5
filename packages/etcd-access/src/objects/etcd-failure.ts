import { ObjectError, type ObjectErrorCode } from '@kube-rescue/cluster-objects';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';

/** Object error codes for etcd errors; other errors are passed on unchanged. */
const MEANINGS: Readonly<Partial<Record<EtcdErrorCode, ObjectErrorCode>>> = {
  ETCD_UNREACHABLE: 'OBJECT_STORE_UNREACHABLE',
  ETCD_TIMEOUT: 'OBJECT_STORE_UNREACHABLE',
  ETCD_BUSY: 'OBJECT_STORE_UNREACHABLE',
  ETCD_NO_QUORUM: 'OBJECT_STORE_UNREACHABLE',
  ETCD_TOO_LARGE: 'OBJECT_TOO_LARGE',
  ETCD_OUTCOME_UNKNOWN: 'OBJECT_OUTCOME_UNKNOWN',
};

/** Translates an etcd error to an object error with the same message. */
export function objectFailureOf(error: unknown, subject: string): unknown {
  if (!(error instanceof EtcdError)) return error;
  const code = MEANINGS[error.code];
  if (code === undefined) return error;
  return new ObjectError({ code, message: error.message, subject, hint: error.hint, cause: error });
}
