import { randomBytes } from 'node:crypto';
import { ObjectError, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { VALUE_CIPHERS } from './encryption-ciphers.ts';
import { parseEncryptionConfiguration } from './encryption-configuration.ts';
import { readStoredValue } from './stored-value.ts';
import { identifyEncoding } from './value-encoding.ts';
import { valueEncryption } from './value-encryption.ts';

const { APIService, CustomResourceDefinition, Secret } = RESOURCE_KINDS;

/** `{kind: Secret}`, as apimachinery encodes it: self-described, text as byte strings (`serializer/cbor/cbor.go`). */
const CBOR = Buffer.from('d9d9f7a1446b696e6446536563726574', 'hex');
const YAML = Buffer.from('apiVersion: v1\nkind: Secret\nmetadata:\n  name: it\n');

function thrownBy(act: () => unknown): ObjectError {
  try {
    act();
  } catch (error) {
    if (error instanceof ObjectError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the encoding of a stored value', () => {
  it.each([
    ['protobuf', Buffer.from('k8s\0\n\0')],
    ['JSON', Buffer.from('{"kind":"Secret"}')],
    ['JSON', Buffer.from('\n  {"kind":"Secret"}')],
    // https://github.com/openshift/origin/pull/29601: the tag decides, not whether a CBOR decoder accepts the bytes.
    ['CBOR', CBOR],
    ['unknown', CBOR.subarray(3)],
    ['YAML', YAML],
    ['YAML', Buffer.concat([Buffer.from('---\n'), YAML])],
    ['unknown', Buffer.alloc(64)],
    ['unknown', Buffer.from('noise')],
    ['truncated', Buffer.from('k8s')],
    ['truncated', Buffer.alloc(0)],
  ] as const)('is %s by the first bytes', (encoding, value) => {
    expect(identifyEncoding(value)).toBe(encoding);
  });
});

describe('a value that is neither protobuf nor JSON', () => {
  it.each([
    ['CBOR', CBOR, CustomResourceDefinition],
    ['CBOR', CBOR, Secret],
    ['YAML', YAML, Secret],
    ['neither protobuf nor JSON', Buffer.from('hunter2 hunter2'), APIService],
    ['neither protobuf nor JSON', Buffer.alloc(4096), Secret],
  ] as const)('is refused as %s, never called damaged, never to be deleted', (name, value, kind) => {
    const failure = thrownBy(() => readStoredValue(value, kind, 'it'));
    expect(failure).toMatchObject({ code: 'OBJECT_ENCODING_UNSUPPORTED', kind: 'unsupported', subject: 'it' });
    expect(failure.message).toContain(`is ${name},`);
    expect(failure.hint).toContain('--via api');
    expect(`${failure.message} ${failure.hint}`).not.toMatch(/delete|damaged|hunter2/);
  });

  it('is no reason to delete a damaged value either', () => {
    const failure = thrownBy(() => readStoredValue(Buffer.from('k8s\0noise'), Secret, 'it'));
    expect(failure.code).toBe('OBJECT_UNREADABLE');
    expect(failure.hint).toContain('through the API server');
    expect(failure.hint).not.toContain('delete');
  });
});

describe('an encrypted value', () => {
  const KEY = '/registry/secrets/default/it';
  const secret = randomBytes(32);
  const configuration = (provider: string) =>
    parseEncryptionConfiguration(
      JSON.stringify({
        kind: 'EncryptionConfiguration',
        apiVersion: 'apiserver.config.k8s.io/v1',
        resources: [
          {
            resources: ['secrets'],
            providers: [{ [provider]: { keys: [{ name: 'one', secret: secret.toString('base64') }] } }],
          },
        ],
      }),
      'encryption.yaml',
    );
  const sealed = (provider: keyof typeof VALUE_CIPHERS, plain: Uint8Array): Uint8Array =>
    Buffer.concat([
      Buffer.from(`k8s:enc:${provider}:v1:one:`),
      VALUE_CIPHERS[provider].encrypt(plain, new Uint8Array(secret), KEY),
    ]);

  it.each(['aescbc', 'aesgcm', 'secretbox'] as const)('in CBOR has the right key: %s', async (provider) => {
    const encryption = valueEncryption(configuration(provider), Secret);
    const plain = await encryption.decrypt(sealed(provider, CBOR), KEY, 'it');
    expect(Buffer.from(plain)).toEqual(CBOR);
    expect(thrownBy(() => readStoredValue(plain, Secret, 'it')).code).toBe('OBJECT_ENCODING_UNSUPPORTED');
  });

  it('in an unknown encoding has the right key, where the cipher proves it', async () => {
    const decrypt = (provider: 'aesgcm' | 'aescbc') =>
      valueEncryption(configuration(provider), Secret).decrypt(sealed(provider, Buffer.alloc(64, 7)), KEY, 'it');
    expect(Buffer.from(await decrypt('aesgcm'))).toEqual(Buffer.alloc(64, 7));
    await expectCode(decrypt('aescbc'), 'OBJECT_DECRYPTION_FAILED');
  });

  it.each(['aesgcmsiv v1', 'aesgcm v2', 'kmsx v1'])(
    'of the unknown provider %s is refused by name',
    async (provider) => {
      const value = Buffer.from(`k8s:enc:${provider.replace(' ', ':')}:one:bytes`);
      const attempt = valueEncryption(configuration('aesgcm'), Secret).decrypt(value, KEY, 'it');
      const failure = await expectCode(attempt, 'OBJECT_ENCODING_UNSUPPORTED');
      expect(failure.message).toContain(`encrypted by ${provider},`);
      expect(failure.message).not.toContain('damaged');
    },
  );
});
