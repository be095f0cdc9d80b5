import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { ObjectError, RESOURCE_KINDS, type ResourceKind } from '@kube-rescue/cluster-objects';
import { describe, expect, it } from 'vitest';
import { type EncryptionConfiguration, parseEncryptionConfiguration } from './encryption-configuration.ts';
import { valueEncryption } from './value-encryption.ts';

const { APIService, ConfigMap, Deployment, Secret } = RESOURCE_KINDS;
const KEY = '/registry/secrets/default/a';
const PLAIN = Buffer.from('k8s\0 an object of some length');

const secretOf = (length: number): string => randomBytes(length).toString('base64');
const keyOf = (name: string, secret = secretOf(32)) => ({ name, secret });

function configured(providers: readonly object[], resources: readonly string[] = ['secrets']): EncryptionConfiguration {
  const root = {
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [{ resources, providers }],
  };
  return parseEncryptionConfiguration(JSON.stringify(root), 'encryption.yaml');
}

async function sealedBy(configuration: EncryptionConfiguration, kind: ResourceKind = Secret): Promise<Buffer> {
  return Buffer.from(await valueEncryption(configuration, kind).encrypt(PLAIN, KEY, 'it', undefined));
}

async function openedBy(
  configuration: EncryptionConfiguration | undefined,
  value: Uint8Array,
  key = KEY,
): Promise<string> {
  return Buffer.from(await valueEncryption(configuration, Secret).decrypt(value, key, 'Secret default/a')).toString();
}

describe.each(['aescbc', 'aesgcm', 'secretbox'] as const)('a value encrypted by %s', (provider) => {
  it('is decrypted again, and encrypted differently each time', async () => {
    const configuration = configured([{ [provider]: { keys: [keyOf('one')] } }]);
    const [first, second] = [await sealedBy(configuration), await sealedBy(configuration)];
    expect(first.toString('latin1').startsWith(`k8s:enc:${provider}:v1:one:`)).toBe(true);
    expect(first.includes(PLAIN.subarray(4))).toBe(false);
    expect(first.equals(second)).toBe(false);
    expect([await openedBy(configuration, first), await openedBy(configuration, second)]).toEqual([
      PLAIN.toString(),
      PLAIN.toString(),
    ]);
  });

  it('is decrypted by an older key and provider, and encrypted by the first', async () => {
    const old = { [provider]: { keys: [keyOf('old')] } };
    const value = await sealedBy(configured([old]));
    const rotated = configured([{ aesgcm: { keys: [keyOf('new')] } }, old, { identity: {} }]);
    expect(await openedBy(rotated, value)).toBe(PLAIN.toString());
    expect((await sealedBy(rotated)).toString('latin1')).toMatch(/^k8s:enc:aesgcm:v1:new:/);
    expect(await openedBy(rotated, PLAIN)).toBe(PLAIN.toString());
  });

  it('is refused with the wrong key, named without its bytes', async () => {
    const value = await sealedBy(configured([{ [provider]: { keys: [keyOf('one')] } }]));
    const secrets = Array.from({ length: 64 }, () => secretOf(32));
    for (const secret of secrets) {
      const failure = await failureOf(() =>
        openedBy(configured([{ [provider]: { keys: [keyOf('one', secret)] } }]), value),
      );
      expect(failure).toMatchObject({ code: 'OBJECT_DECRYPTION_FAILED', subject: 'Secret default/a' });
      expect(failure.message).toContain(`${provider} v1, key one`);
      expect(JSON.stringify(failure) + failure.message + String(failure.cause)).not.toContain(secret.slice(0, 10));
    }
  });

  it('is refused when truncated', async () => {
    const configuration = configured([{ [provider]: { keys: [keyOf('one')] } }]);
    const value = await sealedBy(configuration);
    for (let length = 8; length < value.length; length += 1) {
      expect((await failureOf(() => openedBy(configuration, value.subarray(0, length)))).code).toBe(
        'OBJECT_DECRYPTION_FAILED',
      );
    }
  });

  it('is refused without a configuration, and with another key only', async () => {
    const value = await sealedBy(configured([{ [provider]: { keys: [keyOf('one')] } }]));
    expect((await failureOf(() => openedBy(undefined, value))).code).toBe('OBJECT_DECRYPTION_FAILED');
    const other = configured([{ [provider]: { keys: [keyOf('two')] } }]);
    expect((await failureOf(() => openedBy(other, value))).message).toContain('key one');
  });
});

describe('encryption at rest', () => {
  it('binds an AES-GCM value to its etcd key', async () => {
    const configuration = configured([{ aesgcm: { keys: [keyOf('one')] } }]);
    const value = await sealedBy(configuration);
    expect((await failureOf(() => openedBy(configuration, value, '/registry/secrets/default/b'))).code).toBe(
      'OBJECT_DECRYPTION_FAILED',
    );
  });

  it('writes AES-CBC that OpenSSL decrypts', async () => {
    const secret = randomBytes(32);
    const value = await sealedBy(configured([{ aescbc: { keys: [keyOf('one', secret.toString('base64'))] } }]));
    const body = value.subarray('k8s:enc:aescbc:v1:one:'.length);
    const argv = [
      'enc',
      '-d',
      '-aes-256-cbc',
      '-K',
      secret.toString('hex'),
      '-iv',
      body.subarray(0, 16).toString('hex'),
    ];
    expect(execFileSync('openssl', argv, { input: body.subarray(16) })).toEqual(PLAIN);
  });

  it('refuses values of KMS v1, of a KMS provider that is not configured, and without access to the plugins', async () => {
    const endpoint = 'unix:///run/kms.sock';
    const configuration = configured([
      { kms: { name: 'one', endpoint } },
      { kms: { apiVersion: 'v2', name: 'two', endpoint } },
      { identity: {} },
    ]);
    const expected: readonly (readonly [prefix: string, said: string])[] = [
      ['k8s:enc:kms:v1:one:', 'KMS v1'],
      ['k8s:enc:kms:v2:one:', 'the KMS provider one, which'],
      ['k8s:enc:kms:v2:other:', 'the KMS provider other, which'],
      ['k8s:enc:kms:v2:two:', 'cannot be called from here'],
    ];
    for (const [prefix, said] of expected) {
      const failure = await failureOf(() => openedBy(configuration, Buffer.from(`${prefix}bytes`)));
      expect(failure).toMatchObject({
        code: 'OBJECT_ENCRYPTED_KMS',
        message: expect.stringContaining(said) as string,
        hint: expect.stringContaining('--via api') as string,
      });
    }
    expect((await failureOf(() => sealedBy(configuration))).code).toBe('OBJECT_ENCRYPTED_KMS');
  });

  it('applies to resources named with their group or by a pattern', async () => {
    const providers = [{ secretbox: { keys: [keyOf('one')] } }];
    const isSealed = async (resources: readonly string[], kind: ResourceKind): Promise<boolean> =>
      (await sealedBy(configured(providers, resources), kind)).toString('latin1').startsWith('k8s:enc:');
    expect([
      await isSealed(['secrets'], Secret),
      await isSealed(['secrets'], Deployment),
      await isSealed(['deployments'], Deployment),
    ]).toEqual([true, false, false]);
    expect([
      await isSealed(['deployments.apps'], Deployment),
      await isSealed(['*.apps'], Deployment),
      await isSealed(['*.apps'], Secret),
    ]).toEqual([true, true, false]);
    expect([
      await isSealed(['*.*'], Secret),
      await isSealed(['*.'], Secret),
      await isSealed(['*.'], Deployment),
    ]).toEqual([true, true, false]);
    const plain = await valueEncryption(configured(providers), ConfigMap).encrypt(PLAIN, KEY, 'it', undefined);
    expect(plain).toBe(PLAIN);
  });

  it('leaves custom resources unencrypted, because older API servers cannot decrypt them', async () => {
    const encryption = valueEncryption(configured([{ secretbox: { keys: [keyOf('one')] } }], ['*.*']), APIService);
    const json = Buffer.from('{"kind":"APIService"}');
    expect(await encryption.encrypt(json, KEY, 'it', json)).toBe(json);
    const sealed = await encryption.encrypt(json, KEY, 'it', Buffer.from('k8s:enc:aescbc:v1:x:'));
    expect(Buffer.from(sealed).toString('latin1')).toMatch(/^k8s:enc:secretbox:v1:one:/);
    expect((await failureOf(() => encryption.encrypt(json, KEY, 'it', undefined))).code).toBe(
      'OBJECT_FIELD_UNSUPPORTED',
    );
  });
});

describe('an encryption configuration', () => {
  it('is parsed from YAML, with either name of its kind', () => {
    const text = `# keep
kind: EncryptionConfig
apiVersion: v1
resources:
  - resources: [secrets]
    providers:
    - aescbc: {keys: [{name: k, secret: ${secretOf(16)}}]}
    - identity: {}
`;
    expect(parseEncryptionConfiguration(text, 'file').rules[0]?.providers.map(({ kind }) => kind)).toEqual([
      'aescbc',
      'identity',
    ]);
  });

  it.each([
    [{}, { apiVersion: 'v1', timeoutMs: 3000, socket: '/run/kms.sock' }],
    [
      { apiVersion: 'v2', timeout: '1.5s' },
      { apiVersion: 'v2', timeoutMs: 1500 },
    ],
    [{ apiVersion: 'v2', timeout: '1s500ms' }, { timeoutMs: 1500 }],
    [{ apiVersion: 'v2', timeout: '1h' }, { timeoutMs: 30_000 }],
    [
      { apiVersion: 'v2', endpoint: 'unix:///@kms' },
      { endpoint: 'unix:///@kms', socket: undefined },
    ],
    [{ apiVersion: 'v2', endpoint: 'unix:///run/a%20b' }, { socket: '/run/a b' }],
  ])('names the plugin %j of a KMS', (fields, expected) => {
    const configuration = configured([{ kms: { name: 'a', endpoint: 'unix:///run/kms.sock', ...fields } }]);
    expect(configuration.rules[0]?.providers).toMatchObject([{ kind: 'kms', name: 'a', ...expected }]);
  });

  it.each([
    ['nothing', ''],
    ['no YAML', '{'],
    ['an alias', 'kind: &a EncryptionConfiguration\nother: *a'],
    ['a merge of nothing', 'kind<<: *a'],
    ['another kind', 'kind: Secret\napiVersion: v1\nresources: []'],
    ['another version', 'kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v2\nresources: []'],
    ['no resources', 'kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources: []'],
    ['no providers', provided('')],
    ['an unknown provider', provided('- rot13: {keys: [{name: a, secret: c2VjcmV0}]}')],
    ['two providers in one entry', provided('- {identity: {}, kms: {}}')],
    ['a KMS provider without a name', provided("- kms: {apiVersion: v2, endpoint: 'unix:///a'}")],
    ['a colon in the name of a KMS provider', provided("- kms: {apiVersion: v2, name: 'a:b', endpoint: 'unix:///a'}")],
    ['a KMS provider of version v3', provided("- kms: {apiVersion: v3, name: a, endpoint: 'unix:///a'}")],
    ['a KMS provider without an endpoint', provided('- kms: {apiVersion: v2, name: a}')],
    ['a KMS provider on TCP', provided("- kms: {apiVersion: v2, name: a, endpoint: 'tcp://127.0.0.1:1'}")],
    ['a KMS provider without a path', provided("- kms: {apiVersion: v2, name: a, endpoint: 'unix://a'}")],
    ['a timeout of zero', provided("- kms: {apiVersion: v2, name: a, endpoint: 'unix:///a', timeout: 0s}")],
    ['a timeout without a unit', provided("- kms: {apiVersion: v2, name: a, endpoint: 'unix:///a', timeout: 3}")],
    ['no keys', provided('- aescbc: {keys: []}')],
    ['a key without a name', provided('- aescbc: {keys: [{secret: c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0}]}')],
    ['a key that is too short', provided('- aescbc: {keys: [{name: a, secret: c2VjcmV0}]}')],
    [
      'a key of the wrong length for it',
      provided('- secretbox: {keys: [{name: a, secret: c2VjcmV0c2VjcmV0c2VjcmV0}]}'),
    ],
  ])('with %s is refused without showing it', async (_what, text) => {
    const failure = await failureOf(() => parseEncryptionConfiguration(text, '/etc/kubernetes/encryption.yaml'));
    expect(failure).toMatchObject({ code: 'OBJECT_ENCRYPTION_INVALID', subject: '/etc/kubernetes/encryption.yaml' });
    expect(failure.hint).toBeTruthy();
    expect(JSON.stringify(failure) + failure.message + String(failure.cause)).not.toContain('c2VjcmV0');
  });
});

function provided(providers: string): string {
  return `kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: [secrets]
  providers:
  ${providers}
`;
}

async function failureOf(act: () => unknown): Promise<ObjectError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ObjectError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
