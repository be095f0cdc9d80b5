import { RecoveryError } from '@kube-rescue/errors';

export type ObjectErrorCode =
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_EXISTS'
  | 'OBJECT_CONFLICT'
  | 'OBJECT_KIND_UNKNOWN'
  | 'OBJECT_INVALID'
  | 'OBJECT_UNREADABLE'
  | 'OBJECT_FIELD_UNSUPPORTED'
  | 'OBJECT_HAS_FINALIZERS'
  | 'OBJECT_TOO_LARGE'
  | 'OBJECT_ENCRYPTED_KMS'
  | 'OBJECT_ENCRYPTION_INVALID'
  | 'OBJECT_DECRYPTION_FAILED'
  | 'OBJECT_OUTCOME_UNKNOWN'
  | 'OBJECT_FORBIDDEN'
  | 'OBJECT_CREDENTIALS_INVALID'
  | 'OBJECT_STORE_UNREACHABLE'
  | 'OBJECT_STORE_FAILED';

/** An object could not be read, or was not changed as asked. */
export class ObjectError extends RecoveryError<ObjectErrorCode> {}
