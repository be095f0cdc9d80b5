import { isRecoveryError } from '@kube-rescue/errors';
import { IngressDnsError, type IngressDnsErrorCode } from '../errors.ts';
import type { Partition } from '../credentials/partition.ts';
import { smallestPolicy } from './policy.ts';

interface Meaning {
  readonly code: IngressDnsErrorCode;
  readonly message: string;
  readonly hint: string;
}

const UNKNOWN_KEY: Meaning = {
  code: 'DNS_KEY_UNKNOWN',
  message: 'AWS does not know this access key: it was deleted or deactivated, or belongs to another partition',
  hint: 'make a new access key for the IAM user, or activate this one; a key of aws-cn or aws-us-gov needs a region of its own partition',
};
const WRONG_SECRET: Meaning = {
  code: 'DNS_SECRET_WRONG',
  message: 'AWS knows the access key, but this is not its secret',
  hint: 'copy the secret again without white space; if nobody has it any more, make a new access key',
};
const EXPIRED: Meaning = {
  code: 'DNS_SESSION_EXPIRED',
  message: 'the session that these temporary keys belong to has expired',
  hint: 'get new temporary keys, or better use the long-term key of an IAM user made for this',
};
const SKEWED: Meaning = {
  code: 'DNS_CLOCK_SKEWED',
  message: "AWS refuses the signature because of its time: this machine's clock is wrong",
  hint: 'set the clock (chronyc makestep, or timedatectl set-ntp true)',
};
const THROTTLED: Meaning = {
  code: 'DNS_THROTTLED',
  message: 'AWS throttles this account, also after several tries with a growing pause',
  hint: 'Route 53 allows five requests a second for the whole account: find who uses them up, in CloudTrail, and try again',
};
const INVALID_CHANGE: Meaning = {
  code: 'DNS_CHANGE_INVALID',
  message: 'Route 53 cannot make the change: the records are not, or not any more, as it assumes',
  hint: 'read the records again',
};
const NO_ZONE: Meaning = {
  code: 'DNS_ZONE_MISSING',
  message: 'there is no such hosted zone in this account',
  hint: 'check the id of the zone and the account of the credentials',
};

/** By the names that STS, Route 53 and the gateways before them use. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  InvalidClientTokenId: UNKNOWN_KEY,
  UnrecognizedClientException: UNKNOWN_KEY,
  SignatureDoesNotMatch: WRONG_SECRET,
  InvalidSignatureException: WRONG_SECRET,
  IncompleteSignature: WRONG_SECRET,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  RequestExpired: SKEWED,
  RequestTimeTooSkewed: SKEWED,
  Throttling: THROTTLED,
  ThrottlingException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  PriorRequestNotComplete: THROTTLED,
  InvalidChangeBatch: INVALID_CHANGE,
  NoSuchHostedZone: NO_ZONE,
};
const DENIALS: readonly string[] = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'];

/** What was asked. */
interface AwsCall {
  /** For example `route53:ListHostedZones`. */
  readonly action: string;
  /** Of whom, or about what. */
  readonly subject: string;
  readonly partition: Partition;
}

/**
 * Says what a failure of the AWS SDK means. Nothing of its text is kept, and it is not made the cause: both may hold what was
 * sent.
 */
export function awsFailure(error: unknown, call: AwsCall): Error {
  if (isRecoveryError(error)) return error;
  if (!(error instanceof Error)) return new Error('the AWS SDK failed with something that is no error');
  const { action, subject } = call;
  const meaning = isTimely(error) ? MEANINGS[error.name] : SKEWED;
  if (meaning !== undefined)
    return new IngressDnsError({ ...meaning, message: `${meaning.message} (${action})`, subject });
  if (DENIALS.includes(error.name)) return denied(call);
  const errno = errnoIn(error);
  if (errno?.startsWith('ERR_PROXY') === true) {
    return new IngressDnsError({
      code: 'DNS_PROXY_FAILED',
      message: `the proxy does not let ${action} through`,
      subject,
      hint: 'check HTTPS_PROXY, and NO_PROXY for what must not go through it; the proxy must allow CONNECT to *.amazonaws.com:443',
    });
  }
  if (errno !== undefined || error.name === 'TimeoutError') {
    return new IngressDnsError({
      code: 'DNS_AWS_UNREACHABLE',
      message: `AWS cannot be reached for ${action}: ${errno ?? 'no answer in time'}`,
      subject,
      hint: 'check the network, the proxy, the firewall and the endpoint (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_ROUTE_53, AWS_REGION)',
    });
  }
  return new IngressDnsError({
    code: 'DNS_AWS_FAILED',
    message: `AWS refuses ${action}: ${/^[A-Za-z0-9.]{1,60}$/.test(error.name) ? error.name : 'for an unknown reason'}`,
    subject,
    hint: 'look this name up in the API reference of the service',
  });
}

/** A refusal of `action`, with the smallest policy that would cure it. */
function denied({ action, subject, partition }: AwsCall): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_ACCESS_DENIED',
    message: `the credentials are good, but may not call ${action}`,
    subject,
    hint:
      action === 'sts:AssumeRole'
        ? "check the role's trust policy, its external id, and that the caller's policy allows sts:AssumeRole on it"
        : `allow it, for example with the policy ${smallestPolicy([action], { partition })}; a service control policy may forbid it as well`,
  });
}

/** STS says `SignatureDoesNotMatch` about a wrong time, too. */
function isTimely({ name, message }: Error): boolean {
  return name !== 'SignatureDoesNotMatch' || !/signature (expired|not yet current)/i.test(message);
}

function errnoIn(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
  return error.cause instanceof Error ? errnoIn(error.cause) : undefined;
}
