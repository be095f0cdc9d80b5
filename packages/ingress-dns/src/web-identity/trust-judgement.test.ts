import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { matchesWildcards } from './trust-conditions.ts';
import { fittingPolicy, judgeTrust } from './trust-judgement.ts';
import { parseTrustPolicy } from './trust-policy.ts';

const NAME = 'oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
const CLAIMS = {
  issuer: `https://${NAME}`,
  audiences: ['sts.amazonaws.com'],
  subject: 'system:serviceaccount:dns:external-dns',
};
const ROLE = 'arn:aws:iam::123456789012:role/external-dns';
const FITTING = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${NAME}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: { StringEquals: { [`${NAME}:aud`]: 'sts.amazonaws.com', [`${NAME}:sub`]: CLAIMS.subject } },
};

function judge(...statements: readonly object[]) {
  const document = { Version: '2012-10-17', Statement: statements };
  const answer = { Role: { RoleName: 'external-dns', Arn: ROLE, AssumeRolePolicyDocument: document } };
  return judgeTrust(parseTrustPolicy(JSON.stringify(answer), 'role.json'), CLAIMS, undefined);
}
const given = (Condition: object, more: object = {}) => judge({ ...FITTING, Condition, ...more });

describe('a trust policy', () => {
  it('accepts its service account, whatever else it has', () => {
    const ec2 = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
    expect(judge(ec2, FITTING)).toEqual({ verdict: 'accepts', reasons: [] });
    expect(given({}).verdict).toBe('accepts');
  });

  it.each([
    ['another value of several', { StringEquals: { [`${NAME}:sub`]: ['system:serviceaccount:a:b', CLAIMS.subject] } }],
    ['a wildcard', { StringLike: { [`${NAME}:sub`]: 'system:serviceaccount:dns:*' } }],
    ['a key in capitals', { StringEquals: { [`${NAME.toUpperCase()}:AUD`]: 'sts.amazonaws.com' } }],
    ['a set operator', { 'ForAnyValue:StringEquals': { [`${NAME}:aud`]: ['sts.amazonaws.com'] } }],
    ['another subject excluded', { StringNotLike: { [`${NAME}:sub`]: 'system:serviceaccount:kube-system:*' } }],
    ['a key of another issuer, if it exists', { StringEqualsIfExists: { 'other.example.com:sub': 'x' } }],
  ])('accepts by %s', (_, condition) => {
    expect(given(condition)).toEqual({ verdict: 'accepts', reasons: [] });
  });

  it('names the subject that does not fit', () => {
    const key = `${NAME}:sub`;
    expect(given({ StringEquals: { [key]: 'system:serviceaccount:default:external-dns' } })).toEqual({
      verdict: 'refuses',
      reasons: [
        `StringEquals ${key} is "system:serviceaccount:default:external-dns"; the subject of the token is "${CLAIMS.subject}"`,
      ],
    });
  });

  it('takes a wildcard of StringEquals for a character, as IAM does', () => {
    expect(given({ StringEquals: { [`${NAME}:sub`]: 'system:serviceaccount:dns:*' } }).verdict).toBe('refuses');
  });

  it('names the audience, the provider, the account and the action that do not fit', () => {
    const { reasons } = given(
      { StringEquals: { [`${NAME}:aud`]: 'kubernetes' } },
      {
        Principal: { Federated: `arn:aws:iam::999999999999:oidc-provider/${NAME}` },
        Action: 'sts:AssumeRole',
      },
    );
    expect(reasons).toEqual([
      `Principal.Federated is arn:aws:iam::999999999999:oidc-provider/${NAME}; the issuer of the token needs ${FITTING.Principal.Federated}`,
      'Action is sts:AssumeRole; the token needs sts:AssumeRoleWithWebIdentity',
      `StringEquals ${NAME}:aud is "kubernetes"; the audience of the token is "sts.amazonaws.com"`,
    ]);
  });

  it('of the issuer of before a rebuilt cluster is refused, with the issuer of the token', () => {
    const old = 'oidc.eks.eu-west-1.amazonaws.com/id/OLD';
    const { verdict, reasons } = given(
      { StringEquals: { [`${old}:sub`]: CLAIMS.subject } },
      { Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${old}` } },
    );
    expect([verdict, reasons.length]).toEqual(['refuses', 2]);
    expect(reasons[1]).toContain(`the token comes from ${NAME}`);
  });

  it('that denies is refused, although another statement allows', () => {
    expect(judge(FITTING, { ...FITTING, Effect: 'Deny' }).verdict).toBe('refuses');
  });

  it.each([
    ['a condition on the request', { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }],
    ['a global key', { StringEquals: { 'aws:PrincipalTag/team': 'dns' } }],
    ['a policy variable', { StringEquals: { [`${NAME}:sub`]: '${aws:userid}' } }],
  ])('with %s is not judged', (_, condition) => {
    expect(given(condition)).toMatchObject({ verdict: 'unknown', reasons: [expect.stringContaining('not judged')] });
  });

  it('is completed with a statement that accepts the token, and loses none', () => {
    const foreign = { ...FITTING, Condition: { StringEquals: { [`${NAME}:sub`]: 'system:serviceaccount:a:b' } } };
    const policy = parseTrustPolicy(JSON.stringify({ Version: '2012-10-17', Statement: foreign }), 'policy.json');
    const completed = parseTrustPolicy(fittingPolicy(policy, CLAIMS, ROLE), 'completed');
    expect(completed.statements).toEqual([foreign, FITTING]);
    expect(judgeTrust(completed, CLAIMS, ROLE).verdict).toBe('accepts');
  });

  it('is read as the IAM API sends it, percent-encoded', () => {
    const document = encodeURIComponent(JSON.stringify({ Version: '2012-10-17', Statement: [FITTING] }));
    const { statements } = parseTrustPolicy(JSON.stringify({ Role: { AssumeRolePolicyDocument: document } }), 'f');
    expect(statements).toEqual([FITTING]);
  });

  it.each(['', '{}', '[]', 'null', '{"Role":{}}', '{"Statement":"x"}', '%'])('is not %j', async (text) => {
    await expectCode((async () => parseTrustPolicy(text, 'f'))(), 'DNS_TRUST_POLICY_UNREADABLE');
  });
});

describe('a wildcard', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a?c', 'ac', false],
    ['*a*b', 'xxaxxb', true],
    ['*a*b', 'xxaxxbc', false],
    ['a**', 'a', true],
    ['.*', 'abc', false],
  ])('%s matches %j: %s', (pattern, text, expected) => {
    expect(matchesWildcards(pattern, text)).toBe(expected);
  });

  it('is matched in bounded time', () => {
    expect(matchesWildcards(`${'*a'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false);
  });
});
