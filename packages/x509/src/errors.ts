import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const X509_ERRORS = {
  PKI_PEM_INVALID: 'invalid',
  PKI_CERTIFICATE_INVALID: 'invalid',
  PKI_KEY_INVALID: 'invalid',
  PKI_KEY_ENCRYPTED: 'unsupported',
  PKI_KEY_UNSUPPORTED: 'unsupported',
  PKI_KEY_MISSING: 'missing',
  PKI_NAME_INVALID: 'usage',
  PKI_LIFETIME_INVALID: 'usage',
  PKI_ISSUE_FAILED: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type X509ErrorCode = keyof typeof X509_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    x509: typeof X509_ERRORS;
  }
}

/** A certificate, key or signing request could not be read or made. */
export class X509Error extends RecoveryError<X509ErrorCode> {
  constructor(details: RecoveryErrorDetails<X509ErrorCode>) {
    super(details, X509_ERRORS);
  }
}
