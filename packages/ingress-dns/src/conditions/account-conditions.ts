import { isRecoveryError } from '@kube-rescue/errors';
import { type AwsAccount, type AwsAccountDeps, type CallerIdentity, openAwsAccount } from '../aws/aws-account.ts';
import type { AwsClientConfig } from '../aws/client-options.ts';
import { type AwsCredentials, type CredentialSource, maskAccessKeyId } from '../credentials/aws-credentials.ts';
import { judgeForm } from '../credentials/credential-form.ts';
import { DEFAULT_REGION } from '../credentials/partition.ts';
import { IngressDnsError } from '../errors.ts';
import { broken, good, type SeenLink, unknown } from './condition.ts';

/** The first links, and the account that they lead to, where they do. */
export interface AccountJudgement {
  readonly links: readonly SeenLink[];
  readonly account: AwsAccount | undefined;
  readonly identity: CallerIdentity | undefined;
  /** Requests that were made with keys which only lead to a role. */
  readonly requestCount: number;
}

/** What AWS tolerates between a signature's time and its own. */
const TOLERATED_SKEW_MS = 5 * 60_000;
const MS_PER_SECOND = 1000;

/**
 * Judges credentials: are they there, their form, the clock, who they belong to.
 *
 * What is probably meant (the same without white space, or the right way round) is tried as well, so that one look tells
 * whether that would cure it.
 */
export async function judgeCredentials(
  source: CredentialSource,
  way: AwsClientConfig,
  deps: AwsAccountDeps,
  signal?: AbortSignal,
): Promise<AccountJudgement> {
  const { where, keys, roles } = source;
  if (keys === undefined) return withoutKeys(source);
  const region = way.region ?? source.region ?? DEFAULT_REGION;
  const found = good('credentials', where, 'there are credentials', [
    `access key ${maskAccessKeyId(keys.accessKeyId)}`,
  ]);
  const { problem, meant } = judgeForm(keys, { region, roles });
  const form = problem === undefined ? good('form', where, 'they look as keys do') : broken('form', where, problem);
  if (meant === undefined) return { links: [found, form], account: undefined, identity: undefined, requestCount: 0 };
  const asked = await askWhoTheyAre(meant, { ...way, region }, roles, deps, signal);
  const { identity, account, failure, clockAheadMs, requestCount } = asked;
  const clock = judgeClock(clockAheadMs, failure);
  const who =
    identity === undefined
      ? broken('identity', where, failure ?? unreachable)
      : good('identity', where, 'AWS knows them', [`account ${identity.account}`, identity.arn, `region ${region}`]);
  const tried = problem === undefined ? form : { ...form, evidence: [describeTrial(identity, failure)] };
  return { links: [found, tried, clock, who], account, identity, requestCount };
}

/** What became of the keys when they were put right. */
function describeTrial(identity: CallerIdentity | undefined, failure: IngressDnsError | undefined): string {
  if (identity !== undefined) return 'put right, AWS takes them';
  const isUntried = isRecoveryError(failure, 'DNS_AWS_UNREACHABLE', 'DNS_PROXY_FAILED', 'DNS_THROTTLED');
  return isUntried ? 'put right, they could not be tried' : 'put right, they are refused as well';
}

const unreachable = {
  code: 'DNS_AWS_FAILED',
  message: 'AWS does not say who they belong to',
  hint: 'try again',
} as const;

interface Asked {
  readonly account: AwsAccount | undefined;
  readonly identity: CallerIdentity | undefined;
  readonly failure: IngressDnsError | undefined;
  readonly clockAheadMs: number | undefined;
  readonly requestCount: number;
}

/** Goes through the roles, and asks at the end. */
async function askWhoTheyAre(
  keys: AwsCredentials,
  way: AwsClientConfig,
  roles: CredentialSource['roles'],
  deps: AwsAccountDeps,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  let account = openAwsAccount(way, keys, deps);
  let requestCount = 0;
  let clockAheadMs: number | undefined;
  try {
    for (const role of roles) {
      const next = openAwsAccount(way, await account.assumeRole(role, signal), deps);
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

function judgeClock(aheadMs: number | undefined, failure: IngressDnsError | undefined): SeenLink {
  const subject = "this machine's clock";
  if (aheadMs === undefined && !isRecoveryError(failure, 'DNS_CLOCK_SKEWED')) {
    return unknown('clock', subject, 'AWS did not tell the time');
  }
  const seconds = Math.round((aheadMs ?? 0) / MS_PER_SECOND);
  const evidence = [`AWS is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine`];
  if (Math.abs(aheadMs ?? Infinity) <= TOLERATED_SKEW_MS) return good('clock', subject, 'it is right', evidence);
  const skewed = {
    code: 'DNS_CLOCK_SKEWED',
    message:
      'the clock is more than five minutes off, so AWS refuses signatures of programs that do not correct for it',
    hint: 'set the clock (chronyc makestep, or timedatectl set-ntp true), on every node',
  } as const;
  return broken('clock', subject, skewed, evidence);
}

function withoutKeys({ where, ambient }: CredentialSource): AccountJudgement {
  const code = 'DNS_CREDENTIALS_AMBIENT';
  const link: SeenLink = {
    id: 'credentials',
    subject: where,
    status: 'unknown',
    code,
    summary: `the credentials come from ${ambient ?? 'elsewhere'}: only the workload itself can use them`,
    hint: 'look into its log, at its service account and the trust policy of the role; or judge a key of your own with --aws-credentials',
    evidence: [],
  };
  return { links: [link], account: undefined, identity: undefined, requestCount: 0 };
}
