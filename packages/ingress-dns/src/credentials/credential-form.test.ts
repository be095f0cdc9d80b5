import { describe, expect, it } from 'vitest';
import { maskAccessKeyId } from './aws-credentials.ts';
import { judgeForm } from './credential-form.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const GOOD = { accessKeyId: ID, secretAccessKey: SECRET };
const HERE = { region: 'us-east-1', roles: [] };

describe('the form of AWS keys', () => {
  it('is good, with a session token as well', () => {
    expect(judgeForm(GOOD, HERE)).toEqual({ problem: undefined, meant: GOOD });
    const session = { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET, sessionToken: 'a/b+c==' };
    expect(judgeForm(session, HERE)).toEqual({ problem: undefined, meant: session });
  });

  it.each([
    [{ ...GOOD, accessKeyId: `${ID}\n` }, 'DNS_CREDENTIALS_WHITESPACE', 'a line break at the end of it', GOOD],
    [{ ...GOOD, secretAccessKey: ` ${SECRET}` }, 'DNS_CREDENTIALS_WHITESPACE', 'white space before it', GOOD],
    [
      { ...GOOD, secretAccessKey: `wJalr XUtnFEMI` },
      'DNS_CREDENTIALS_WHITESPACE',
      'inside of it',
      { ...GOOD, secretAccessKey: 'wJalrXUtnFEMI' },
    ],
    [{ accessKeyId: `${SECRET}\n`, secretAccessKey: ID }, 'DNS_CREDENTIALS_SWAPPED', 'swapped', GOOD],
    [{ ...GOOD, accessKeyId: '' }, 'DNS_CREDENTIALS_MALFORMED', 'id is empty', undefined],
    [{ ...GOOD, secretAccessKey: ' ' }, 'DNS_CREDENTIALS_MALFORMED', 'access key is empty', undefined],
    [{ ...GOOD, accessKeyId: 'AROAIOSFODNN7EXAMPLE' }, 'DNS_CREDENTIALS_MALFORMED', 'unique id of a role', undefined],
    [{ ...GOOD, accessKeyId: 'dns-user' }, 'DNS_CREDENTIALS_MALFORMED', 'capital letters', undefined],
    [{ ...GOOD, secretAccessKey: '"quoted"' }, 'DNS_CREDENTIALS_MALFORMED', 'characters', undefined],
    [{ ...GOOD, sessionToken: 'old' }, 'DNS_CREDENTIALS_MALFORMED', 'together with the token', GOOD],
    [{ ...GOOD, accessKeyId: 'ASIAIOSFODNN7EXAMPLE' }, 'DNS_SESSION_TOKEN_MISSING', 'without', undefined],
  ])('is bad: %#', (keys, code, message, meant) => {
    const judged = judgeForm(keys, HERE);
    expect(judged.problem?.code).toBe(code);
    expect(judged.problem?.message).toContain(message);
    expect(judged.meant).toEqual(meant);
    expect(JSON.stringify(judged.problem)).not.toContain(SECRET.slice(0, 8));
  });

  it('is bad for a role of another partition', () => {
    const roles = [{ arn: 'arn:aws-cn:iam::123456789012:role/dns' }];
    expect(judgeForm(GOOD, { region: 'eu-west-1', roles }).problem?.code).toBe('DNS_PARTITION_WRONG');
    expect(judgeForm(GOOD, { region: 'cn-north-1', roles }).problem).toBeUndefined();
  });
});

describe('an access key id', () => {
  it('is shown masked, and nothing of what may be a secret', () => {
    expect(maskAccessKeyId(` ${ID}\n`)).toBe('AKIA…MPLE');
    expect(maskAccessKeyId(SECRET)).toBe('(no access key id)');
  });
});
