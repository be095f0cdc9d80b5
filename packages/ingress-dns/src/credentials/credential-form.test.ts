import { describe, expect, it } from 'vitest';
import { maskAccessKeyId } from './aws-credentials.ts';
import { judgeForm } from './credential-form.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const GOOD = { accessKeyId: ID, secretAccessKey: SECRET };
const HERE = { region: 'us-east-1', roles: [] };

describe('the format of AWS keys', () => {
  it('is valid for long-term and for temporary keys', () => {
    expect(judgeForm(GOOD, HERE)).toEqual({ problem: undefined, corrected: GOOD });
    const session = { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET, sessionToken: 'a/b+c==' };
    expect(judgeForm(session, HERE)).toEqual({ problem: undefined, corrected: session });
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
    [{ ...GOOD, sessionToken: 'old' }, 'DNS_CREDENTIALS_MALFORMED', 'combined with a session token', GOOD],
    [{ ...GOOD, accessKeyId: 'ASIAIOSFODNN7EXAMPLE' }, 'DNS_SESSION_TOKEN_MISSING', 'has no session token', undefined],
  ])('is invalid: %#', (keys, code, message, corrected) => {
    const judged = judgeForm(keys, HERE);
    expect(judged.problem?.code).toBe(code);
    expect(judged.problem?.message).toContain(message);
    expect(judged.corrected).toEqual(corrected);
    expect(JSON.stringify(judged.problem)).not.toContain(SECRET.slice(0, 8));
  });

  it('is invalid with a role of another partition', () => {
    const roles = [{ arn: 'arn:aws-cn:iam::123456789012:role/dns' }];
    expect(judgeForm(GOOD, { region: 'eu-west-1', roles }).problem?.code).toBe('DNS_PARTITION_WRONG');
    expect(judgeForm(GOOD, { region: 'cn-north-1', roles }).problem).toBeUndefined();
  });
});

describe('an access key id', () => {
  it('is masked, and a possible secret is hidden', () => {
    expect(maskAccessKeyId(` ${ID}\n`)).toBe('AKIA…MPLE');
    expect(maskAccessKeyId(SECRET)).toBe('(no access key id)');
  });
});
