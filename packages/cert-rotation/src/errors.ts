import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const PKI_ERRORS = {
  PKI_PEM_INVALID: 'invalid',
  PKI_CERTIFICATE_INVALID: 'invalid',
  PKI_CERTIFICATE_MISSING: 'missing',
  PKI_CERTIFICATE_EXPIRED: 'invalid',
  PKI_CERTIFICATE_EXPIRES_SOON: 'invalid',
  PKI_CERTIFICATE_NOT_YET_VALID: 'invalid',
  PKI_CERTIFICATE_LOST: 'invalid',
  PKI_CERTIFICATE_UNKNOWN: 'usage',
  PKI_KEY_INVALID: 'invalid',
  PKI_KEY_ENCRYPTED: 'unsupported',
  PKI_KEY_UNSUPPORTED: 'unsupported',
  PKI_KEY_MISSING: 'missing',
  PKI_KEY_MISMATCH: 'invalid',
  PKI_CHAIN_BROKEN: 'invalid',
  PKI_NAME_MISSING: 'missing',
  PKI_NAME_INVALID: 'usage',
  PKI_USAGE_MISSING: 'missing',
  PKI_KUBECONFIG_INVALID: 'invalid',
  PKI_CA_MISSING: 'missing',
  PKI_CA_INVALID: 'invalid',
  PKI_CA_EXPIRED: 'invalid',
  PKI_CA_FORBIDS: 'invalid',
  PKI_CA_WEAK: 'invalid',
  PKI_CA_KEY_ELSEWHERE: 'missing',
  PKI_CA_KEY_MISSING: 'missing',
  PKI_CA_KEY_MISMATCH: 'invalid',
  PKI_CLOCK_BEFORE_CA: 'invalid',
  PKI_NODE_NOT_FOUND: 'missing',
  PKI_LAYOUT_UNSUPPORTED: 'unsupported',
  PKI_LIFETIME_INVALID: 'usage',
  PKI_SERVER_SILENT: 'unavailable',
  PKI_SET_UNFIT: 'invalid',
  PKI_REQUEST_EXISTS: 'conflict',
  PKI_REQUEST_IMPOSSIBLE: 'unsupported',
  PKI_ISSUE_FAILED: 'failed',
  PKI_ROTATION_STAGE: 'blocked',
  PKI_TOKEN_KEY_IN_USE: 'blocked',
  PKI_TOKEN_KEY_LAYOUT: 'unsupported',
  PKI_TOKEN_SIGNER_EXTERNAL: 'unsupported',
  PKI_TRUST_UNEDITABLE: 'unsupported',
  PKI_WRITE_REFUSED: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type PkiErrorCode = keyof typeof PKI_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'cert-rotation': typeof PKI_ERRORS;
  }
}

/** A certificate, key or kubeconfig could not be read, verified or renewed. */
export class PkiError extends RecoveryError<PkiErrorCode> {
  constructor(details: RecoveryErrorDetails<PkiErrorCode>) {
    super(details, PKI_ERRORS);
  }
}
