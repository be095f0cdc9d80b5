import { RecoveryError } from '@kube-rescue/errors';

export type PkiErrorCode =
  | 'PKI_PEM_INVALID'
  | 'PKI_CERTIFICATE_INVALID'
  | 'PKI_CERTIFICATE_MISSING'
  | 'PKI_CERTIFICATE_EXPIRED'
  | 'PKI_CERTIFICATE_EXPIRES_SOON'
  | 'PKI_CERTIFICATE_NOT_YET_VALID'
  | 'PKI_CERTIFICATE_UNKNOWN'
  | 'PKI_KEY_INVALID'
  | 'PKI_KEY_ENCRYPTED'
  | 'PKI_KEY_UNSUPPORTED'
  | 'PKI_KEY_MISSING'
  | 'PKI_KEY_MISMATCH'
  | 'PKI_CHAIN_BROKEN'
  | 'PKI_NAME_MISSING'
  | 'PKI_NAME_INVALID'
  | 'PKI_USAGE_MISSING'
  | 'PKI_KUBECONFIG_INVALID'
  | 'PKI_CA_MISSING'
  | 'PKI_CA_INVALID'
  | 'PKI_CA_EXPIRED'
  | 'PKI_CA_KEY_MISSING'
  | 'PKI_CA_KEY_MISMATCH'
  | 'PKI_CLOCK_BEFORE_CA'
  | 'PKI_LIFETIME_INVALID'
  | 'PKI_SERVER_SILENT'
  | 'PKI_SET_UNFIT'
  | 'PKI_ISSUE_FAILED';

/** A certificate, key or kubeconfig could not be read, judged or renewed. */
export class PkiError extends RecoveryError<PkiErrorCode> {}
