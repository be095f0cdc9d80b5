import { isRecoveryError } from '@kube-rescue/errors';
import { type AwsAccount, type AwsAccountDeps, type CallerIdentity, openAwsAccount } from '../aws/aws-account.ts';
import type { AwsClientConfig } from '../aws/client-options.ts';
import { type AwsCredentials, type CredentialSource, maskAccessKeyId } from '../credentials/aws-credentials.ts';
import { judgeForm } from '../credentials/credential-form.ts';
import { DEFAULT_REGION } from '../credentials/partition.ts';
import { IngressDnsError } from '../errors.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';

/** The conditions of the credentials themselves, and the account when AWS accepts them. */
export interface AccountJudgement {
  readonly conditions: readonly JudgedCondition[];
  readonly account: AwsAccount | undefined;
  readonly identity: CallerIdentity | undefined;
  /** Number of requests made to assume roles. */
  readonly requestCount: number;
}

/** The clock skew that AWS tolerates in a signature. */
const TOLERATED_SKEW_MS = 5 * 60_000;
const MS_PER_SECOND = 1000;

/**
 * Checks credentials: presence, format, clock, identity.
 *
 * Keys with an obvious fault (white space, swapped values) are corrected and tried as well, so that one check shows whether
 * the correction suffices.
 */
export async function judgeCredentials(
  source: CredentialSource,
  awsClient: AwsClientConfig,
  deps: AwsAccountDeps,
  signal?: AbortSignal,
): Promise<AccountJudgement> {
  const { where, keys, roles } = source;
  if (keys === undefined) return withoutKeys(source);
  const region = awsClient.region ?? source.region ?? DEFAULT_REGION;
  const found = good('credentials', where, `found in ${where}`, [`access key ${maskAccessKeyId(keys.accessKeyId)}`]);
  const { problem, corrected } = judgeForm(keys, { region, roles });
  const form = problem === undefined ? good('form', where, 'the keys are well-formed') : broken('form', where, problem);
  if (corrected === undefined)
    return { conditions: [found, form], account: undefined, identity: undefined, requestCount: 0 };
  const asked = await askWhoTheyAre(corrected, { ...awsClient, region }, roles, deps, signal);
  const { identity, account, failure, clockAheadMs, requestCount } = asked;
  const clock = judgeClock(clockAheadMs, failure);
  const who =
    identity === undefined
      ? broken('identity', where, failure ?? unreachable)
      : good('identity', where, `accepted by AWS: account ${identity.account}`, [identity.arn, `region ${region}`]);
  const tried = problem === undefined ? form : { ...form, evidence: [describeTrial(identity, failure)] };
  return { conditions: [found, tried, clock, who], account, identity, requestCount };
}

/** The outcome of a trial with the corrected keys. */
function describeTrial(identity: CallerIdentity | undefined, failure: IngressDnsError | undefined): string {
  if (identity !== undefined) return 'AWS accepts the corrected keys';
  const isUntried = isRecoveryError(failure, 'DNS_AWS_UNREACHABLE', 'DNS_PROXY_FAILED', 'DNS_THROTTLED');
  return isUntried ? 'the corrected keys could not be tried' : 'AWS rejects the corrected keys as well';
}

const unreachable = {
  code: 'DNS_AWS_FAILED',
  message: 'AWS did not return the identity of the keys',
  hint: 'try again',
} as const;

/** The answer to who the bearer of keys is. */
export interface Asked {
  readonly account: AwsAccount | undefined;
  readonly identity: CallerIdentity | undefined;
  readonly failure: IngressDnsError | undefined;
  readonly clockAheadMs: number | undefined;
  readonly requestCount: number;
}

/** Assumes the roles in order, then asks for the caller identity. */
export async function askWhoTheyAre(
  keys: AwsCredentials,
  awsClient: AwsClientConfig,
  roles: CredentialSource['roles'],
  deps: AwsAccountDeps,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  let account = openAwsAccount(awsClient, keys, deps);
  let requestCount = 0;
  let clockAheadMs: number | undefined;
  try {
    for (const role of roles) {
      const next = openAwsAccount(awsClient, await account.assumeRole(role, signal), deps);
      ({ clockAheadMs } = account);
      requestCount += account.requestCount;
      account.close();
      account = next;
    }
    const identity = await account.callerIdentity(signal);
    return { account, identity, failure: undefined, clockAheadMs: account.clockAheadMs, requestCount };
  } catch (error) {
    account.close();
    if (!(error instanceof IngressDnsError)) throw error;
    clockAheadMs = account.clockAheadMs ?? clockAheadMs;
    requestCount += account.requestCount;
    return { account: undefined, identity: undefined, failure: error, clockAheadMs, requestCount };
  }
}

export function judgeClock(aheadMs: number | undefined, failure: IngressDnsError | undefined): JudgedCondition {
  const subject = "this machine's clock";
  if (aheadMs === undefined && !isRecoveryError(failure, 'DNS_CLOCK_SKEWED')) {
    return unknown('clock', subject, 'no answer of AWS had a Date header');
  }
  const seconds = Math.round((aheadMs ?? 0) / MS_PER_SECOND);
  const evidence = [`AWS is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine`];
  if (Math.abs(aheadMs ?? Infinity) <= TOLERATED_SKEW_MS) return good('clock', subject, 'in step with AWS', evidence);
  const skewed = {
    code: 'DNS_CLOCK_SKEWED',
    message: 'the clock is off by more than five minutes; AWS rejects signatures of clients that do not correct for it',
    hint: 'set the clock (chronyc makestep, or timedatectl set-ntp true), on every node',
  } as const;
  return broken('clock', subject, skewed, evidence);
}

function withoutKeys({ where, ambient }: CredentialSource): AccountJudgement {
  const code = 'DNS_CREDENTIALS_AMBIENT';
  const condition: JudgedCondition = {
    id: 'credentials',
    subject: where,
    status: 'unknown',
    code,
    summary: `the credentials come from ${ambient ?? 'an unknown source'}: only the workload itself can use them`,
    hint: 'check the workload log, its service account and the trust policy of the role; or check other keys with --aws-credentials',
    evidence: [],
  };
  return { conditions: [condition], account: undefined, identity: undefined, requestCount: 0 };
}
