import { RecoveryError } from '@kube-rescue/errors';

export type IngressDnsErrorCode =
  | 'DNS_CREDENTIALS_NOT_FOUND'
  | 'DNS_CREDENTIALS_AMBIENT'
  | 'DNS_CREDENTIALS_UNREADABLE'
  | 'DNS_CREDENTIALS_WHITESPACE'
  | 'DNS_CREDENTIALS_SWAPPED'
  | 'DNS_CREDENTIALS_MALFORMED'
  | 'DNS_SESSION_TOKEN_MISSING'
  | 'DNS_PARTITION_WRONG'
  | 'DNS_CLOCK_SKEWED'
  | 'DNS_KEY_UNKNOWN'
  | 'DNS_SECRET_WRONG'
  | 'DNS_SESSION_EXPIRED'
  | 'DNS_ACCESS_DENIED'
  | 'DNS_THROTTLED'
  | 'DNS_AWS_UNREACHABLE'
  | 'DNS_PROXY_FAILED'
  | 'DNS_AWS_FAILED'
  | 'DNS_LIST_DENIED'
  | 'DNS_CHANGE_DENIED'
  | 'DNS_CHANGE_INVALID'
  | 'DNS_CHANGE_NOT_IN_SYNC'
  | 'DNS_ZONE_MISSING'
  | 'DNS_ZONE_PRIVATE'
  | 'DNS_DELEGATION_WRONG'
  | 'DNS_RECORD_MISSING'
  | 'DNS_RECORD_WRONG'
  | 'DNS_SERVER_STALE'
  | 'DNS_RESOLVER_STALE'
  | 'DNS_NAME_UNRESOLVED'
  | 'DNS_UNREACHABLE'
  | 'DNS_ENDPOINT_DEAD'
  | 'DNS_CONTROLLER_NOT_FOUND';

/** The credentials, the zones or the names of an ingress DNS provider are not as they should be, or could not be judged. */
export class IngressDnsError extends RecoveryError<IngressDnsErrorCode> {}
