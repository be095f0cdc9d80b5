import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const INGRESS_DNS_ERRORS = {
  DNS_CREDENTIALS_NOT_FOUND: 'usage',
  DNS_CREDENTIALS_AMBIENT: 'unsupported',
  DNS_CREDENTIALS_UNREADABLE: 'unreadable',
  DNS_CREDENTIALS_WHITESPACE: 'invalid',
  DNS_CREDENTIALS_SWAPPED: 'invalid',
  DNS_CREDENTIALS_MALFORMED: 'invalid',
  DNS_SESSION_TOKEN_MISSING: 'missing',
  DNS_PARTITION_WRONG: 'invalid',
  DNS_CLOCK_SKEWED: 'invalid',
  DNS_KEY_UNKNOWN: 'denied',
  DNS_SECRET_WRONG: 'denied',
  DNS_SESSION_EXPIRED: 'denied',
  DNS_TOKEN_UNREADABLE: 'unreadable',
  DNS_TOKEN_EXPIRED: 'denied',
  DNS_TOKEN_REFUSED: 'denied',
  DNS_ISSUER_WRONG: 'invalid',
  DNS_KEYS_UNPUBLISHED: 'missing',
  DNS_TRUST_REFUSED: 'denied',
  DNS_TRUST_POLICY_UNREADABLE: 'unreadable',
  DNS_ACCESS_DENIED: 'denied',
  DNS_THROTTLED: 'unavailable',
  DNS_AWS_UNREACHABLE: 'unavailable',
  DNS_PROXY_FAILED: 'unavailable',
  DNS_AWS_FAILED: 'failed',
  DNS_ANSWER_TOO_LARGE: 'unreadable',
  DNS_LIST_DENIED: 'denied',
  DNS_CHANGE_DENIED: 'denied',
  DNS_CHANGE_INVALID: 'invalid',
  DNS_CHANGE_NOT_IN_SYNC: 'failed',
  DNS_ZONE_MISSING: 'missing',
  DNS_ZONE_PRIVATE: 'invalid',
  DNS_DELEGATION_WRONG: 'invalid',
  DNS_RECORD_MISSING: 'missing',
  DNS_RECORD_WRONG: 'invalid',
  DNS_SERVER_STALE: 'invalid',
  DNS_RESOLVER_STALE: 'invalid',
  DNS_NAME_UNRESOLVED: 'missing',
  DNS_UNREACHABLE: 'unavailable',
  DNS_ENDPOINT_DOWN: 'invalid',
  DNS_CONTROLLER_NOT_FOUND: 'missing',
  DNS_CREDENTIAL_LOCATION_UNSUPPORTED: 'unsupported',
} as const satisfies Record<string, ErrorKind>;

export type IngressDnsErrorCode = keyof typeof INGRESS_DNS_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'ingress-dns': typeof INGRESS_DNS_ERRORS;
  }
}

/** The AWS credentials, hosted zones or names of an ingress DNS provider are wrong, or could not be checked. */
export class IngressDnsError extends RecoveryError<IngressDnsErrorCode> {
  constructor(details: RecoveryErrorDetails<IngressDnsErrorCode>) {
    super(details, INGRESS_DNS_ERRORS);
  }
}
