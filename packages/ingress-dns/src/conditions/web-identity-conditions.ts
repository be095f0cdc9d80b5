import type { Host } from '@kube-rescue/host';
import { formatTime } from '@kube-rescue/errors';
import { textAt, textsAt } from '@kube-rescue/cluster-objects';
import type { AwsAccountDeps } from '../aws/aws-account.ts';
import type { AwsClientConfig } from '../aws/client-options.ts';
import { assumeRoleWithWebIdentity } from '../aws/web-identity-session.ts';
import type { CredentialSource } from '../credentials/aws-credentials.ts';
import { DEFAULT_REGION } from '../credentials/partition.ts';
import { readPublishedKeys } from '../web-identity/published-keys.ts';
import type { TokenClaims } from '../web-identity/trust-conditions.ts';
import type { WebIdentity, WebIdentityContext } from '../web-identity/web-identity.ts';
import { type AccountJudgement, askWhoTheyAre, judgeClock } from './account-conditions.ts';
import { broken, good, type JudgedCondition, unknown } from './condition.ts';
import { judgeIssuer, judgeKeys } from './issuer-conditions.ts';
import { judgeTrustCondition } from './trust-condition.ts';

/** A token that was read. Its text is not in here. */
interface ReadToken extends TokenClaims {
  readonly keyId: string | undefined;
  readonly expiresAt: Date | undefined;
}

/**
 * Checks a web identity (IRSA): the token's dates, its issuer against that of the cluster, the published keys, the trust policy,
 * and, with a token, AWS itself. The token is in no output.
 *
 * Without the token, the claims that Kubernetes would write are judged, and AWS is not asked.
 */
export async function judgeWebIdentity(
  source: CredentialSource & { readonly webIdentity: WebIdentity },
  context: WebIdentityContext,
  awsClient: AwsClientConfig,
  deps: AwsAccountDeps & { readonly host: Pick<Host, 'request'> },
  signal?: AbortSignal,
): Promise<AccountJudgement> {
  const { where, webIdentity } = source;
  const { roleArn = context.trustPolicy?.roleArn } = webIdentity;
  const token = await readClaims(webIdentity.token);
  const first = [judgeRole(where, webIdentity, roleArn), judgeToken(where, webIdentity, token, deps)];
  const claims = claimsOf(webIdentity, token, context);
  const isTriable = roleArn !== undefined && first.every(({ status }) => status === 'ok');
  const tried = isTriable ? await tryToken(source, roleArn, awsClient, deps, signal) : undefined;
  const isAccepted = tried?.identity !== undefined;
  const issuer = token?.issuer ?? context.issuer;
  const published =
    issuer?.startsWith('https://') === true ? await readPublishedKeys(issuer, { ...deps, signal }) : undefined;
  const conditions = [
    ...first,
    judgeIssuer(token?.issuer, context.issuer, isAccepted),
    judgeKeys({ issuer, published, tokenKeyId: token?.keyId, signingKeyId: context.signingKeyId, isAccepted }),
    judgeTrustCondition({ roleArn, claims, policy: context.trustPolicy, isAccepted }),
    ...(tried?.conditions ?? [
      unknown('identity', where, 'only AWS knows whether the role can be assumed, and only with a valid token'),
    ]),
  ];
  const { account, identity, requestCount = 0 } = tried ?? {};
  return { conditions, account, identity, requestCount };
}

async function readClaims(text: string | undefined): Promise<ReadToken | undefined> {
  if (text === undefined) return undefined;
  const { readToken } = await import('@kube-rescue/cert-rotation/token-keys');
  const { claims, keyId, expiresAt } = readToken(text) ?? {};
  const issuer = textAt(claims, 'iss');
  const subject = textAt(claims, 'sub');
  if (claims === undefined || issuer === undefined || subject === undefined) return undefined;
  const audience = textAt(claims, 'aud');
  const audiences = audience === undefined ? textsAt(claims, 'aud') : [audience];
  return { issuer, subject, audiences, keyId, expiresAt };
}

/** Those of the token; without one, those that Kubernetes would write. */
function claimsOf(
  { subject, audience }: WebIdentity,
  token: ReadToken | undefined,
  { issuer }: WebIdentityContext,
): TokenClaims | undefined {
  if (token !== undefined) return token;
  if (subject === undefined || issuer === undefined) return undefined;
  return { issuer, subject, audiences: audience === undefined ? [] : [audience] };
}

function judgeRole(where: string, { subject }: WebIdentity, roleArn: string | undefined): JudgedCondition {
  const evidence = subject === undefined ? [] : [subject];
  if (roleArn !== undefined) {
    return good('credentials', where, `web identity (IRSA) for the role ${roleArn}`, evidence);
  }
  const failure = {
    code: 'DNS_CREDENTIALS_AMBIENT',
    message: 'a web identity without a role: AWS_ROLE_ARN is not set',
    hint: 'set AWS_ROLE_ARN, or annotate the service account with eks.amazonaws.com/role-arn and restart the workload',
  } as const;
  return broken('credentials', where, failure, evidence);
}

function judgeToken(
  where: string,
  { token: text, tokenFiles }: WebIdentity,
  token: ReadToken | undefined,
  { clock }: Pick<AwsAccountDeps, 'clock'>,
): JudgedCondition {
  if (text === undefined) return tokenElsewhere(where, tokenFiles);
  if (token === undefined) {
    const failure = {
      code: 'DNS_TOKEN_UNREADABLE',
      message: 'the file holds no service account token',
      hint: 'restart the workload: the kubelet requests a new token from the API server',
    } as const;
    return broken('token', where, failure);
  }
  const { issuer, audiences, subject, expiresAt } = token;
  const expiry = expiresAt === undefined ? 'it does not expire' : `expires on ${formatTime(expiresAt)}`;
  const evidence = [`issuer ${issuer}`, `audience ${audiences.join(', ')}`, `subject ${subject}`, expiry];
  if (expiresAt !== undefined && expiresAt <= clock.now()) {
    const failure = {
      code: 'DNS_TOKEN_EXPIRED',
      message: `the web identity token expired on ${formatTime(expiresAt)}`,
      hint: 'the kubelet renews it within minutes once the API server answers: `kube-rescue triage`',
    } as const;
    return broken('token', where, failure, evidence);
  }
  return good('token', where, `valid${expiresAt === undefined ? '' : `, ${expiry}`}`, evidence);
}

function tokenElsewhere(where: string, tokenFiles: WebIdentity['tokenFiles']): JudgedCondition {
  const nodes = [...new Set(tokenFiles.flatMap(({ node }) => node ?? []))];
  const pods = tokenFiles.map(({ pod }) => pod);
  return {
    id: 'token',
    subject: where,
    status: 'unknown',
    code: 'DNS_CREDENTIALS_AMBIENT',
    summary: pods.length === 0 ? 'no running pod has a token' : `the token is in ${pods.join(', ')}`,
    hint:
      nodes.length === 0
        ? 'start the workload; the webhook or its own template mounts the token'
        : `run this as root on the node of the pod: ${nodes.join(', ')}`,
    evidence: [],
  };
}

/** Asks AWS with the token, then with the further roles. */
async function tryToken(
  { where, webIdentity, roles, region: own }: CredentialSource & { readonly webIdentity: WebIdentity },
  roleArn: string,
  awsClient: AwsClientConfig,
  deps: AwsAccountDeps,
  signal: AbortSignal | undefined,
): Promise<AccountJudgement> {
  const region = awsClient.region ?? own ?? DEFAULT_REGION;
  const client = { ...awsClient, region };
  const token = webIdentity.token?.trim() ?? '';
  const session = await assumeRoleWithWebIdentity({ roleArn, token }, client, deps, signal);
  if (session.keys === undefined) {
    const conditions = [judgeClock(session.clockAheadMs, session.failure), broken('identity', where, session.failure)];
    return { conditions, account: undefined, identity: undefined, requestCount: session.requestCount };
  }
  const asked = await askWhoTheyAre(session.keys, client, roles, deps, signal);
  const { account, identity, failure, clockAheadMs } = asked;
  const who =
    identity === undefined
      ? failure && broken('identity', where, failure)
      : good('identity', where, `accepted by AWS: account ${identity.account}`, [identity.arn, `region ${region}`]);
  const conditions = [judgeClock(clockAheadMs, failure), ...(who === undefined ? [] : [who])];
  return { conditions, account, identity, requestCount: session.requestCount + asked.requestCount };
}
