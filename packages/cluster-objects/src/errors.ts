import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const OBJECT_ERRORS = {
  OBJECT_NOT_FOUND: 'missing',
  OBJECT_EXISTS: 'conflict',
  OBJECT_CONFLICT: 'conflict',
  OBJECT_KIND_UNKNOWN: 'usage',
  OBJECT_INVALID: 'invalid',
  OBJECT_UNREADABLE: 'unreadable',
  OBJECT_FIELD_UNSUPPORTED: 'unsupported',
  OBJECT_ENCODING_UNSUPPORTED: 'unsupported',
  OBJECT_HAS_FINALIZERS: 'blocked',
  OBJECT_TOO_LARGE: 'invalid',
  OBJECT_ANSWER_TOO_LARGE: 'unreadable',
  OBJECT_ENCRYPTED_KMS: 'unreadable',
  OBJECT_KMS_UNREACHABLE: 'unreadable',
  OBJECT_KMS_FAILED: 'unreadable',
  OBJECT_ENCRYPTION_INVALID: 'invalid',
  OBJECT_DECRYPTION_FAILED: 'unreadable',
  OBJECT_OUTCOME_UNKNOWN: 'uncertain',
  OBJECT_FORBIDDEN: 'denied',
  OBJECT_CREDENTIALS_INVALID: 'denied',
  OBJECT_CLIENT_MISSING: 'usage',
  OBJECT_STORE_UNREACHABLE: 'unavailable',
  OBJECT_STORE_FAILED: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type ObjectErrorCode = keyof typeof OBJECT_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'cluster-objects': typeof OBJECT_ERRORS;
  }
}

/** An object could not be read or changed. */
export class ObjectError extends RecoveryError<ObjectErrorCode> {
  constructor(details: RecoveryErrorDetails<ObjectErrorCode>) {
    super(details, OBJECT_ERRORS);
  }
}
