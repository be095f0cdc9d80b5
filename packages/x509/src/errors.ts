import { RecoveryError } from '@kube-rescue/errors';

export type X509ErrorCode =
  | 'PKI_PEM_INVALID'
  | 'PKI_CERTIFICATE_INVALID'
  | 'PKI_KEY_INVALID'
  | 'PKI_KEY_ENCRYPTED'
  | 'PKI_KEY_UNSUPPORTED'
  | 'PKI_KEY_MISSING'
  | 'PKI_NAME_INVALID'
  | 'PKI_LIFETIME_INVALID'
  | 'PKI_ISSUE_FAILED';

/** A certificate, key or signing request could not be read or made. */
export class X509Error extends RecoveryError<X509ErrorCode> {}
