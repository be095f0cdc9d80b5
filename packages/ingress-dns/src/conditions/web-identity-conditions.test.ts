import { createLocalHost, type Host, systemClock } from '@kube-rescue/host';
import { type LocalAws, requireProgram, startLocalAws } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToken } from '../../../cert-rotation/src/token-keys/tokens.fixture.ts';
import { checkIngressDns, type DnsReport } from '../dns-check.ts';
import { AUDIENCE, claims, ISSUER, makeTokenKey, publish, SUBJECT } from '../web-identity.fixture.ts';
import { parseTrustPolicy } from '../web-identity/trust-policy.ts';
import type { WebIdentity, WebIdentityContext } from '../web-identity/web-identity.ts';

const OLD = makeTokenKey();
const NEW = makeTokenKey();
const NAME = ISSUER.slice('https://'.length);
let aws: LocalAws;
let roleArn: string;
const reports: DnsReport[] = [];
const tokens: string[] = [];

interface Case extends WebIdentityContext {
  readonly claims?: object;
  readonly key?: typeof OLD;
  /** `null`: not reachable. Default: the key that signs. */
  readonly published?: readonly object[] | null;
  readonly identity?: Partial<WebIdentity>;
}

async function check(input: Case = {}): Promise<DnsReport> {
  const { key = OLD, published = [OLD.jwk], identity, ...context } = input;
  const token = makeToken(key.key, claims(input.claims));
  tokens.push(token);
  const webIdentity = {
    roleArn,
    subject: SUBJECT,
    audience: AUDIENCE,
    tokenFiles: [],
    token: `${token}\n`,
    ...identity,
  };
  const host: Host = { ...createLocalHost(), request: publish(published ?? undefined) };
  const report = await checkIngressDns(
    {
      source: { where: 'Deployment dns/external-dns', ambient: 'IRSA', webIdentity, roles: [] },
      webIdentity: context,
      names: [],
      awsClient: { endpoints: { sts: aws.endpoint, route53: aws.endpoint } },
    },
    { host, clock: systemClock },
  );
  reports.push(report);
  return report;
}

function trust(subject: string) {
  const condition = { StringEquals: { [`${NAME}:aud`]: AUDIENCE, [`${NAME}:sub`]: subject } };
  const Federated = `arn:aws:iam::123456789012:oidc-provider/${NAME}`;
  const statement = { Effect: 'Allow', Principal: { Federated }, Action: 'sts:AssumeRoleWithWebIdentity' };
  return parseTrustPolicy(JSON.stringify({ Statement: [{ ...statement, Condition: condition }] }), 'role.json');
}

const causesOf = ({ causes }: DnsReport) => causes.map(({ id, code }) => [id, code]);
const find = ({ conditions }: DnsReport, wanted: string) => conditions.find(({ id }) => id === wanted);

describe.skipIf(!requireProgram('knotd'))('a web identity (IRSA)', () => {
  beforeAll(async () => {
    aws = await startLocalAws();
    await aws.addZone({ name: 'example.test' });
    const webIdentity = { issuer: ISSUER, audience: AUDIENCE, subject: SUBJECT, keys: [OLD.jwk] };
    roleArn = aws.addRole({ name: 'external-dns', webIdentity });
  });
  afterAll(() => aws.stop());

  it('that AWS accepts is healthy, and its zones are listed', async () => {
    const report = await check({ issuer: ISSUER });
    expect(report).toMatchObject({
      healthy: true,
      identity: { arn: 'arn:aws:sts::123456789012:assumed-role/external-dns/kube-rescue' },
    });
    expect(report.zones?.map(({ name }) => name)).toEqual(['example.test']);
  });

  it('with an expired token is not tried', async () => {
    const before = aws.requests.length;
    const report = await check({ claims: { exp: 1_700_000_000 } });
    expect(causesOf(report)).toEqual([['token', 'DNS_TOKEN_EXPIRED']]);
    expect(find(report, 'token')?.summary).toContain('2023-11-14 22:13:20 UTC');
    expect(aws.requests.length).toBe(before);
  });

  it('with a text that is no token is reported without it', async () => {
    expect(causesOf(await check({ identity: { token: 'secret-text' } }))).toEqual([['token', 'DNS_TOKEN_UNREADABLE']]);
    expect(JSON.stringify(reports)).not.toContain('secret-text');
  });

  it('of another issuer than the cluster is named by both', async () => {
    const report = await check({ issuer: 'https://oidc.example.test/rebuilt', claims: {} });
    expect(causesOf(report)).toEqual([['issuer', 'DNS_ISSUER_WRONG']]);
    expect(find(report, 'issuer')?.evidence).toEqual([
      `the token names ${ISSUER}`,
      'the cluster names https://oidc.example.test/rebuilt',
    ]);
  });

  it('of a cluster without a public issuer cannot work', async () => {
    const report = await check({
      issuer: 'https://kubernetes.default.svc.cluster.local',
      identity: { token: undefined },
    });
    expect(causesOf(report)).toEqual([['issuer', 'DNS_ISSUER_WRONG']]);
  });

  it('signed by a key that the issuer does not publish needs the new key set', async () => {
    const report = await check({ key: NEW });
    expect(causesOf(report)).toEqual([['keys', 'DNS_KEYS_UNPUBLISHED']]);
    expect(find(report, 'keys')?.hint).toContain('kubectl get --raw /openid/v1/jwks at https://oidc.example.test');
    expect(find(report, 'identity')).toMatchObject({ status: 'consequence', code: 'DNS_TOKEN_REFUSED' });
  });

  it('works until its token is renewed when only the key of new tokens is not published', async () => {
    const report = await check({ signingKeyId: NEW.jwk.kid });
    expect(causesOf(report)).toEqual([['keys', 'DNS_KEYS_UNPUBLISHED']]);
    expect(find(report, 'keys')?.summary).toBe('the issuer does not publish the key that signs new tokens');
    expect(find(report, 'identity')?.status).toBe('ok');
  });

  it('is settled by AWS where the key set is not reachable from here', async () => {
    expect(find(await check({ published: null, issuer: ISSUER }), 'keys')?.status).toBe('ok');
    const renewed = await check({ published: null, signingKeyId: NEW.jwk.kid });
    expect(find(renewed, 'keys')).toMatchObject({ status: 'unknown', hint: expect.stringContaining('curl https://') });
  });

  it('of another service account is refused by AWS and by the given trust policy, with one that fits', async () => {
    const subject = 'system:serviceaccount:other:external-dns';
    expect(causesOf(await check({ claims: { sub: subject } }))).toEqual([['identity', 'DNS_TRUST_REFUSED']]);
    const report = await check({ claims: { sub: subject }, trustPolicy: trust(SUBJECT) });
    expect(causesOf(report)).toEqual([['trust', 'DNS_TRUST_REFUSED']]);
    const { hint = '', evidence } = find(report, 'trust') ?? {};
    expect(evidence?.[0]).toContain(`is "${SUBJECT}"; the subject of the token is "${subject}"`);
    expect(hint).toContain('aws iam update-assume-role-policy --role-name external-dns');
    expect(hint).toContain(`"${NAME}:sub":"${subject}"`);
  });

  it('whose token is on another node is judged by what Kubernetes would write', async () => {
    const tokenFiles = [{ pod: 'dns/external-dns-1', node: 'node02', kubeletPath: 'pods/u/x' }];
    const identity = { token: undefined, tokenFiles };
    const report = await check({ identity, issuer: ISSUER, signingKeyId: OLD.jwk.kid, trustPolicy: trust(SUBJECT) });
    expect(report.conditions.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'credentials ok',
      'token unknown',
      'issuer ok',
      'keys ok',
      'trust ok',
      'identity unknown',
    ]);
    expect(find(report, 'token')?.hint).toContain('node02');
    const wrong = await check({ identity, issuer: ISSUER, trustPolicy: trust('system:serviceaccount:a:b') });
    expect(causesOf(wrong)).toEqual([['trust', 'DNS_TRUST_REFUSED']]);
  });

  it('is in no report with its token', () => {
    expect(tokens.length).toBeGreaterThan(5);
    for (const token of tokens) {
      const [, , signature = ''] = token.split('.');
      expect(JSON.stringify(reports)).not.toContain(signature);
    }
  });
});
