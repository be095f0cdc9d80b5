import { hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { findCallerCredentials } from './caller-credentials.ts';
import { parseCredentials } from './credential-text.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG';
const KEYS = { accessKeyId: ID, secretAccessKey: SECRET, sessionToken: undefined };
const HOME = '/home/me';

function hostWith(files: Readonly<Record<string, string>>) {
  const tree = Object.entries(files).map(([path, text]) => {
    return [hostPath(path), { kind: 'file', bytes: Buffer.from(text), mode: 0o600 }] as const;
  });
  return { host: createFakeHost({ tree: new Map(tree) }) };
}

const CREDENTIALS = `[default]\naws_access_key_id = ${ID}\naws_secret_access_key = ${SECRET}\n[loop]\nrole_arn = a\nsource_profile = loop2\n[loop2]\nrole_arn = b\nsource_profile = loop\n`;
const CONFIG = `[profile dns]\nrole_arn = arn:aws:iam::1:role/dns\nsource_profile = default\nexternal_id = x\nregion = eu-west-1\n[profile sso]\nsso_session = s\n[profile process]\ncredential_process = /bin/x\n`;
const FILES = hostWith({ [`${HOME}/.aws/credentials`]: CREDENTIALS, [`${HOME}/.aws/config`]: CONFIG });

describe("the caller's credentials", () => {
  it('come from the environment before files', async () => {
    const environment = { HOME, AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };
    expect(await findCallerCredentials({ environment }, FILES)).toMatchObject({
      where: 'the environment',
      keys: { accessKeyId: 'AKIAENV', secretAccessKey: 's', sessionToken: 't' },
    });
    expect((await findCallerCredentials({ environment, profile: 'default' }, FILES)).keys).toEqual(KEYS);
  });

  it('come from a profile, with its role and the given one', async () => {
    const role = { arn: 'arn:aws:iam::2:role/more' };
    expect(await findCallerCredentials({ environment: { HOME, AWS_PROFILE: 'dns' }, role }, FILES)).toMatchObject({
      keys: KEYS,
      roles: [{ arn: 'arn:aws:iam::1:role/dns', externalId: 'x' }, role],
      region: 'eu-west-1',
    });
  });

  it('are reported as ambient when only a program or a service has them', async () => {
    const ambients = ['sso', 'process'].map((profile) =>
      findCallerCredentials({ environment: { HOME }, profile }, FILES),
    );
    expect((await Promise.all(ambients)).map(({ ambient }) => ambient)).toEqual([
      'IAM Identity Center',
      'credential process',
    ]);
    const environment = { HOME, AWS_WEB_IDENTITY_TOKEN_FILE: '/x', AWS_ROLE_ARN: 'arn' };
    expect((await findCallerCredentials({ environment }, FILES)).ambient).toBe('IRSA');
  });

  it('fail with a code when they are missing or their profiles form a loop', async () => {
    await expectCode(findCallerCredentials({ environment: { HOME } }, hostWith({})), 'DNS_CREDENTIALS_NOT_FOUND');
    await expectCode(
      findCallerCredentials({ environment: { HOME }, profile: 'no' }, FILES),
      'DNS_CREDENTIALS_NOT_FOUND',
    );
    await expectCode(
      findCallerCredentials({ environment: { HOME }, profile: 'loop' }, FILES),
      'DNS_CREDENTIALS_UNREADABLE',
    );
  });
});

describe('credentials in a text', () => {
  it.each([
    JSON.stringify({ AccessKeyId: ID, SecretAccessKey: SECRET }),
    JSON.stringify({ AccessKey: { UserName: 'x', AccessKeyId: ID, SecretAccessKey: SECRET } }),
    JSON.stringify({ aws_access_key_id: ID, aws_secret_access_key: SECRET }),
    `export AWS_ACCESS_KEY_ID="${ID}"\nexport AWS_SECRET_ACCESS_KEY='${SECRET}'\n`,
    CREDENTIALS,
  ])('are read: %#', (text) => {
    expect(parseCredentials(text, 'here').keys).toEqual(KEYS);
  });

  it('include a session token', () => {
    const text = JSON.stringify({ Credentials: { AccessKeyId: ID, SecretAccessKey: SECRET, SessionToken: 't' } });
    expect(parseCredentials(text, 'here').keys?.sessionToken).toBe('t');
  });

  it.each(['', '{', '{"AccessKeyId":"x"}', SECRET, '[1]'])('are refused without quoting them: %j', async (text) => {
    const failure = await expectCode(
      (async () => parseCredentials(text, 'here'))(),
      text === '[1]' ? 'DNS_CREDENTIALS_NOT_FOUND' : 'DNS_CREDENTIALS_UNREADABLE',
    );
    if (text.length > 5) expect(failure.message + (failure.hint ?? '')).not.toContain(text);
  });
});
