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

function sealedBy(configuration: EncryptionConfiguration, kind: ResourceKind = Secret): Buffer {
  return Buffer.from(valueEncryption(configuration, kind).encrypt(PLAIN, KEY, 'it', undefined));
}

function openedBy(configuration: EncryptionConfiguration | undefined, value: Uint8Array, key = KEY): string {
  return Buffer.from(valueEncryption(configuration, Secret).decrypt(value, key, 'Secret default/a')).toString();
}

describe.each(['aescbc', 'aesgcm', 'secretbox'] as const)('a value encrypted by %s', (provider) => {
  it('is decrypted again, and encrypted differently each time', () => {
    const configuration = configured([{ [provider]: { keys: [keyOf('one')] } }]);
    const [first, second] = [sealedBy(configuration), sealedBy(configuration)];
    expect(first.toString('latin1').startsWith(`k8s:enc:${provider}:v1:one:`)).toBe(true);
    expect(first.includes(PLAIN.subarray(4))).toBe(false);
    expect(first.equals(second)).toBe(false);
    expect([openedBy(configuration, first), openedBy(configuration, second)]).toEqual([
      PLAIN.toString(),
      PLAIN.toString(),
    ]);
  });

  it('is decrypted by an older key and provider, and encrypted by the first', () => {
    const old = { [provider]: { keys: [keyOf('old')] } };
    const value = sealedBy(configured([old]));
    const rotated = configured([{ aesgcm: { keys: [keyOf('new')] } }, old, { identity: {} }]);
    expect(openedBy(rotated, value)).toBe(PLAIN.toString());
    expect(sealedBy(rotated).toString('latin1')).toMatch(/^k8s:enc:aesgcm:v1:new:/);
    expect(openedBy(rotated, PLAIN)).toBe(PLAIN.toString());
  });

  it('is refused with the wrong key, named without its bytes', () => {
    const value = sealedBy(configured([{ [provider]: { keys: [keyOf('one')] } }]));
    const secrets = Array.from({ length: 64 }, () => secretOf(32));
    for (const secret of secrets) {
      const failure = failureOf(() => openedBy(configured([{ [provider]: { keys: [keyOf('one', secret)] } }]), value));
      expect(failure).toMatchObject({ code: 'OBJECT_DECRYPTION_FAILED', subject: 'Secret default/a' });
      expect(failure.message).toContain(`${provider} v1, key one`);
      expect(JSON.stringify(failure) + failure.message + String(failure.cause)).not.toContain(secret.slice(0, 10));
    }
  });

  it('is refused when truncated', () => {
    const configuration = configured([{ [provider]: { keys: [keyOf('one')] } }]);
    const value = sealedBy(configuration);
    for (let length = 8; length < value.length; length += 1) {
      expect(failureOf(() => openedBy(configuration, value.subarray(0, length))).code).toBe('OBJECT_DECRYPTION_FAILED');
    }
  });

  it('is refused without a configuration, and with another key only', () => {
    const value = sealedBy(configured([{ [provider]: { keys: [keyOf('one')] } }]));
    expect(failureOf(() => openedBy(undefined, value)).code).toBe('OBJECT_DECRYPTION_FAILED');
    const other = configured([{ [provider]: { keys: [keyOf('two')] } }]);
    expect(failureOf(() => openedBy(other, value)).message).toContain('key one');
  });
});

describe('encryption at rest', () => {
  it('binds an AES-GCM value to its etcd key', () => {
    const configuration = configured([{ aesgcm: { keys: [keyOf('one')] } }]);
    const value = sealedBy(configuration);
    expect(failureOf(() => openedBy(configuration, value, '/registry/secrets/default/b')).code).toBe(
      'OBJECT_DECRYPTION_FAILED',
    );
  });

  it('writes AES-CBC that OpenSSL decrypts', () => {
    const secret = randomBytes(32);
    const value = sealedBy(configured([{ aescbc: { keys: [keyOf('one', secret.toString('base64'))] } }]));
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

  it('leaves KMS-encrypted values to the API server', () => {
    for (const prefix of ['k8s:enc:kms:v1:x:', 'k8s:enc:kms:v2:x:']) {
      const failure = failureOf(() => openedBy(configured([{ kms: { name: 'x' } }]), Buffer.from(`${prefix}bytes`)));
      expect(failure).toMatchObject({
        code: 'OBJECT_ENCRYPTED_KMS',
        hint: expect.stringContaining('--via api') as string,
      });
    }
    expect(failureOf(() => sealedBy(configured([{ kms: { name: 'x' } }, { identity: {} }]))).code).toBe(
      'OBJECT_ENCRYPTED_KMS',
    );
  });

  it('applies to resources named with their group or by a pattern', () => {
    const providers = [{ secretbox: { keys: [keyOf('one')] } }];
    const isSealed = (resources: readonly string[], kind: ResourceKind): boolean =>
      sealedBy(configured(providers, resources), kind).toString('latin1').startsWith('k8s:enc:');
    expect([
      isSealed(['secrets'], Secret),
      isSealed(['secrets'], Deployment),
      isSealed(['deployments'], Deployment),
    ]).toEqual([true, false, false]);
    expect([
      isSealed(['deployments.apps'], Deployment),
      isSealed(['*.apps'], Deployment),
      isSealed(['*.apps'], Secret),
    ]).toEqual([true, true, false]);
    expect([isSealed(['*.*'], Secret), isSealed(['*.'], Secret), isSealed(['*.'], Deployment)]).toEqual([
      true,
      true,
      false,
    ]);
    const plain = valueEncryption(configured(providers), ConfigMap).encrypt(PLAIN, KEY, 'it', undefined);
    expect(plain).toBe(PLAIN);
  });

  it('leaves custom resources unencrypted, because older API servers cannot decrypt them', () => {
    const encryption = valueEncryption(configured([{ secretbox: { keys: [keyOf('one')] } }], ['*.*']), APIService);
    const json = Buffer.from('{"kind":"APIService"}');
    expect(encryption.encrypt(json, KEY, 'it', json)).toBe(json);
    const sealed = encryption.encrypt(json, KEY, 'it', Buffer.from('k8s:enc:aescbc:v1:x:'));
    expect(Buffer.from(sealed).toString('latin1')).toMatch(/^k8s:enc:secretbox:v1:one:/);
    expect(failureOf(() => encryption.encrypt(json, KEY, 'it', undefined)).code).toBe('OBJECT_FIELD_UNSUPPORTED');
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
    ['no keys', provided('- aescbc: {keys: []}')],
    ['a key without a name', provided('- aescbc: {keys: [{secret: c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0}]}')],
    ['a key that is too short', provided('- aescbc: {keys: [{name: a, secret: c2VjcmV0}]}')],
    [
      'a key of the wrong length for it',
      provided('- secretbox: {keys: [{name: a, secret: c2VjcmV0c2VjcmV0c2VjcmV0}]}'),
    ],
  ])('with %s is refused without showing it', (_what, text) => {
    const failure = failureOf(() => parseEncryptionConfiguration(text, '/etc/kubernetes/encryption.yaml'));
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

function failureOf(act: () => unknown): ObjectError {
  try {
    act();
  } catch (error) {
    if (error instanceof ObjectError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
