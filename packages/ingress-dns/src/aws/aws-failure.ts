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
  message: 'AWS does not know this access key: the key was deleted or deactivated, or belongs to another partition',
  hint: 'create a new access key for the IAM user, or activate this one; a key of aws-cn or aws-us-gov needs a region of its partition',
};
const WRONG_SECRET: Meaning = {
  code: 'DNS_SECRET_WRONG',
  message: 'AWS knows the access key, but the secret access key is wrong',
  hint: 'copy the secret again without white space; if the secret is lost, create a new access key',
};
const EXPIRED: Meaning = {
  code: 'DNS_SESSION_EXPIRED',
  message: 'the session of these temporary keys has expired',
  hint: 'get new temporary keys, or better use the long-term key of a dedicated IAM user',
};
const SKEWED: Meaning = {
  code: 'DNS_CLOCK_SKEWED',
  message: "AWS rejects the time of the signature: this machine's clock is wrong",
  hint: 'set the clock (chronyc makestep, or timedatectl set-ntp true)',
};
const THROTTLED: Meaning = {
  code: 'DNS_THROTTLED',
  message: 'AWS throttles this account, even after several retries',
  hint: 'Route 53 allows five requests a second for the whole account: find the heavy user in CloudTrail, then try again',
};
const INVALID_CHANGE: Meaning = {
  code: 'DNS_CHANGE_INVALID',
  message: 'Route 53 rejected the change: the records have changed in the meantime',
  hint: 'read the records again, then repeat the change',
};
const NO_ZONE: Meaning = {
  code: 'DNS_ZONE_MISSING',
  message: 'this account has no such hosted zone',
  hint: 'check the zone id and the account of the credentials',
};

/** By the error names of STS, Route 53 and their gateways. */
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
/** What STS says about a web identity token (STS API reference, AssumeRoleWithWebIdentity, "Errors"). */
const TOKEN_MEANINGS: Readonly<Record<string, Meaning>> = {
  ExpiredTokenException: {
    code: 'DNS_TOKEN_EXPIRED',
    message: 'the web identity token has expired',
    hint: 'the kubelet renews it within minutes once the API server answers: `kube-rescue triage`',
  },
  InvalidIdentityTokenException: {
    code: 'DNS_TOKEN_REFUSED',
    message: 'AWS cannot verify the web identity token',
    hint: 'check that the account has an OIDC provider for the issuer with the audience of the token, and that the issuer publishes the key that signed it',
  },
  IDPRejectedClaimException: {
    code: 'DNS_TOKEN_REFUSED',
    message: 'AWS rejects a claim of the web identity token',
    hint: 'check that the OIDC provider of the account has the audience of the token among its client IDs; then restart the workload for a new token',
  },
  IDPCommunicationErrorException: {
    code: 'DNS_KEYS_UNPUBLISHED',
    message: 'AWS cannot read the keys of the issuer',
    hint: 'the discovery document and the key set of the issuer must answer over public HTTPS',
  },
  AccessDenied: {
    code: 'DNS_TRUST_REFUSED',
    message: 'the trust policy of the role does not accept the web identity token, or there is no such role',
    hint: 'compare it: `aws iam get-role --role-name ROLE >role.json`, then `kube-rescue dns check --trust-policy role.json`',
  },
};
const DENIALS: readonly string[] = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'];

/** A call of the AWS API. */
interface AwsCall {
  /** For example `route53:ListHostedZones`. */
  readonly action: string;
  /** A key, role, zone or change. */
  readonly subject: string;
  readonly partition: Partition;
}

/**
 * Explains a failure of the AWS SDK. Drops its text and does not set it as the cause: both may contain the request with
 * its secrets.
 */
export function awsFailure(error: unknown, call: AwsCall): Error {
  if (isRecoveryError(error)) return error;
  if (!(error instanceof Error)) return new Error('the AWS SDK threw a value that is not an Error');
  const { action, subject } = call;
  const meanings = action === 'sts:AssumeRoleWithWebIdentity' ? { ...MEANINGS, ...TOKEN_MEANINGS } : MEANINGS;
  const meaning = isTimely(error) ? meanings[error.name] : SKEWED;
  if (meaning !== undefined)
    return new IngressDnsError({ ...meaning, message: `${meaning.message} (${action})`, subject });
  if (DENIALS.includes(error.name)) return denied(call);
  const errno = errnoIn(error);
  if (errno?.startsWith('ERR_PROXY') === true) {
    return new IngressDnsError({
      code: 'DNS_PROXY_FAILED',
      message: `the proxy blocks ${action}`,
      subject,
      hint: 'check HTTPS_PROXY and NO_PROXY; the proxy must allow CONNECT to *.amazonaws.com:443',
    });
  }
  if (errno !== undefined || error.name === 'TimeoutError') {
    return new IngressDnsError({
      code: 'DNS_AWS_UNREACHABLE',
      message: `AWS is not reachable for ${action}: ${errno ?? 'no answer in time'}`,
      subject,
      hint: 'check the network, the proxy, the firewall and the endpoint (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_ROUTE_53, AWS_REGION)',
    });
  }
  return new IngressDnsError({
    code: 'DNS_AWS_FAILED',
    message: `AWS rejects ${action}: ${/^[A-Za-z0-9.]{1,60}$/.test(error.name) ? error.name : 'for an unknown reason'}`,
    subject,
    hint: 'look up this error name in the API reference of the service',
  });
}

/** A denial of `action`, with the smallest policy that allows it. */
function denied({ action, subject, partition }: AwsCall): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_ACCESS_DENIED',
    message: `the credentials are valid, but not allowed to call ${action}`,
    subject,
    hint:
      action === 'sts:AssumeRole'
        ? "check the role's trust policy, its external id, and that the caller's policy allows sts:AssumeRole on the role"
        : `attach this policy: ${smallestPolicy([action], { partition })}; a service control policy may deny the action as well`,
  });
}

/** STS reports a wrong time as `SignatureDoesNotMatch`, too. */
function isTimely({ name, message }: Error): boolean {
  return name !== 'SignatureDoesNotMatch' || !/signature (expired|not yet current)/i.test(message);
}

function errnoIn(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
  return error.cause instanceof Error ? errnoIn(error.cause) : undefined;
}
