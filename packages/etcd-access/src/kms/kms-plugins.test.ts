import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createLocalHost, guardHost, hostPath, systemClock } from '@kube-rescue/host';
import { expectCode, type KmsFault, type RunningKmsPlugin, startKmsPlugin } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KmsProvider, parseEncryptionConfiguration } from '../objects/encryption-configuration.ts';
import { valueEncryption, type ValueEncryption } from '../objects/value-encryption.ts';
import {
  DEK_FROM_SEED,
  DEK_IS_THE_SOURCE,
  type DekSourceType,
  readKmsValue,
  writeKmsValue,
} from './encrypted-object.ts';
import { sealWith } from './data-key.ts';
import { connectKmsPlugins, type KmsPlugins, type KmsPluginsDeps } from './kms-plugins.ts';

const { Secret } = RESOURCE_KINDS;
const KEY = '/registry/secrets/default/a';
const IT = 'Secret default/a';
const PLAIN = Buffer.from('k8s\0 an object of some length');
const PREFIX = 'k8s:enc:kms:v2:lab:';
const TIMEOUT_MS = 20_000;
/** For plugins that never answer. */
const SHORT_MS = 400;

let directory: string;
let plugin: RunningKmsPlugin;
let kms: KmsPlugins;
const deps: KmsPluginsDeps = { host: createLocalHost(), clock: systemClock };
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-kms-'));
  plugin = await startKmsPlugin(path.join(directory, 'kms.sock'));
  kms = connectKmsPlugins(deps);
});
afterEach(async () => {
  kms.close();
  await plugin.stop();
  await rm(directory, { recursive: true });
});

function encryptionBy(
  plugins: KmsPlugins,
  { endpoint = plugin.endpoint, timeoutMs = TIMEOUT_MS }: { endpoint?: string; timeoutMs?: number } = {},
): ValueEncryption {
  const provider = { kms: { apiVersion: 'v2', name: 'lab', endpoint, timeout: `${timeoutMs}ms` } };
  const root = {
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [{ resources: ['secrets'], providers: [provider, { identity: {} }] }],
  };
  return valueEncryption(parseEncryptionConfiguration(JSON.stringify(root), 'encryption.yaml'), Secret, plugins);
}

/** A session of its own, so that it knows no DEK. */
async function readAnew(value: Uint8Array, etcdKey = KEY): Promise<string> {
  const session = connectKmsPlugins(deps);
  try {
    return Buffer.from(await encryptionBy(session).decrypt(value, etcdKey, IT)).toString();
  } finally {
    session.close();
  }
}

/** A value as an API server with this type of DEK source stores it. */
async function storedWith(type: DekSourceType, plain: Uint8Array = PLAIN): Promise<Uint8Array> {
  const dek = new Uint8Array(32).fill(7);
  const { ciphertext, keyId, annotations } = await encryptThroughPlugin(dek);
  const stored = writeKmsValue({
    source: { type, ciphertext, keyId, annotations },
    data: sealWith(type, dek, plain, KEY),
  });
  return new Uint8Array(Buffer.concat([Buffer.from(PREFIX), stored]));
}

async function encryptThroughPlugin(plain: Uint8Array) {
  const { createKmsCalls } = await import('./kms-calls.ts');
  const socket = hostPath(plugin.endpoint.slice('unix://'.length));
  const calls = createKmsCalls(providerOf(), socket, deps);
  try {
    return await calls.encrypt(Uint8Array.from(plain));
  } finally {
    calls.close();
  }
}

function providerOf(): KmsProvider {
  const { endpoint } = plugin;
  return { kind: 'kms', apiVersion: 'v2', name: 'lab', endpoint, socket: undefined, timeoutMs: TIMEOUT_MS };
}

const kmsPartOf = (value: Uint8Array) => {
  const read = readKmsValue(value.subarray(PREFIX.length));
  if (typeof read === 'string') throw new Error(read);
  return read;
};
const decryptions = (): number => plugin.calls.filter((call) => call.endsWith('/Decrypt')).length;

describe('a value behind KMS v2', () => {
  it.each([
    ['a key', DEK_IS_THE_SOURCE],
    ['a seed', DEK_FROM_SEED],
  ] as const)('with %s is read, and replaced with a new DEK source of the same type', async (_what, type) => {
    const before = await storedWith(type);
    const encryption = encryptionBy(kms);
    expect(Buffer.from(await encryption.decrypt(before, KEY, IT))).toEqual(PLAIN);
    const after = await encryption.encrypt(Buffer.from('changed'), KEY, IT, before);
    expect(Buffer.from(after).toString('latin1').startsWith(PREFIX)).toBe(true);
    expect(kmsPartOf(after).source.type).toBe(type);
    expect(kmsPartOf(after).source.ciphertext).not.toEqual(kmsPartOf(before).source.ciphertext);
    expect(await readAnew(after)).toBe('changed');
  });

  it('is created with a key, which every version with KMS v2 reads', async () => {
    const made = await encryptionBy(kms).encrypt(PLAIN, KEY, IT, undefined);
    expect(kmsPartOf(made).source).toMatchObject({ type: DEK_IS_THE_SOURCE, keyId: 'key-1' });
    expect(await readAnew(made)).toBe(PLAIN.toString());
    const replaced = await encryptionBy(kms).encrypt(PLAIN, KEY, IT, PLAIN);
    expect(kmsPartOf(replaced).source.ciphertext).toEqual(kmsPartOf(made).source.ciphertext);
  });

  it('costs one call for thousands of values with one DEK source', async () => {
    const encryption = encryptionBy(kms);
    const values = await Promise.all(
      Array.from({ length: 2000 }, (_, index) => encryption.encrypt(PLAIN, `${KEY}${index}`, IT, undefined)),
    );
    expect(plugin.calls.map((call) => call.split('/').at(-1))).toEqual(['Status', 'Encrypt', 'Decrypt']);
    const session = connectKmsPlugins(deps);
    const reading = encryptionBy(session);
    const plain = await Promise.all(values.map((value, index) => reading.decrypt(value, `${KEY}${index}`, IT)));
    session.close();
    expect(new Set(plain.map((each) => Buffer.from(each).toString()))).toEqual(new Set([PLAIN.toString()]));
    expect(decryptions()).toBe(2);
  });

  it('is bound to its etcd key', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    const failure = await expectCode(readAnew(value, '/registry/secrets/default/b'), 'OBJECT_DECRYPTION_FAILED');
    expect(failure.subject).toBe(IT);
  });

  it('is refused when truncated or damaged, without a call where it has no DEK source', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    const encryption = encryptionBy(kms);
    await encryption.decrypt(value, KEY, IT);
    for (let length = PREFIX.length; length < value.length; length += 7) {
      const attempt = encryption.decrypt(value.subarray(0, length), KEY, IT);
      await expect(attempt).rejects.toMatchObject({
        code: expect.stringMatching(/^OBJECT_(DECRYPTION|KMS)_FAILED$/) as string,
      });
    }
    const before = decryptions();
    await expectCode(encryption.decrypt(Buffer.from(PREFIX), KEY, IT), 'OBJECT_DECRYPTION_FAILED');
    await expectCode(encryption.decrypt(Buffer.from(`${PREFIX}\u0028\u0007`), KEY, IT), 'OBJECT_DECRYPTION_FAILED');
    expect(decryptions()).toBe(before);
  });

  it('stays readable after a rotation of the key in the KMS, whose new key encrypts', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    plugin.rotate();
    expect(await readAnew(value)).toBe(PLAIN.toString());
    const after = await encryptionBy(kms).encrypt(PLAIN, KEY, IT, value);
    expect(kmsPartOf(after).source.keyId).toBe('key-2');
  });

  it('is read over a new connection after the plugin was restarted', async () => {
    const encryption = encryptionBy(kms);
    await encryption.decrypt(await storedWith(DEK_FROM_SEED), KEY, IT);
    const other = await storedWith(DEK_IS_THE_SOURCE);
    await plugin.stop();
    await plugin.start();
    expect(Buffer.from(await encryption.decrypt(other, KEY, IT))).toEqual(PLAIN);
  });
});

describe('a KMS plugin', () => {
  it.each<[KmsFault, string, string]>([
    ['hangs', 'OBJECT_KMS_UNREACHABLE', `no response within ${SHORT_MS} ms`],
    ['refuses', 'OBJECT_KMS_FAILED', 'status 13: AccessDeniedException'],
    ['decrypts-to-a-short-key', 'OBJECT_KMS_FAILED', '8 bytes, which is no key'],
    ['lacks-the-service', 'OBJECT_KMS_FAILED', 'does not serve the KMS v2 API'],
    ['answers-without-grpc', 'OBJECT_KMS_FAILED', 'HTTP 404'],
    ['answers-garbage', 'OBJECT_KMS_FAILED', 'cannot be decoded'],
    ['forgets', 'OBJECT_DECRYPTION_FAILED', 'another DEK'],
  ])('that %s is named on a read', async (fault, code, said) => {
    const value = await storedWith(DEK_FROM_SEED);
    plugin.fail(fault);
    const timeoutMs = fault === 'hangs' ? SHORT_MS : TIMEOUT_MS;
    const failure = await expectCode(encryptionBy(kms, { timeoutMs }).decrypt(value, KEY, IT), code);
    expect(failure.message).toContain(said);
    expect(`${failure.subject} ${failure.message}`).toContain(`KMS provider lab (${plugin.endpoint})`);
    plugin.fail(undefined);
    expect(await readAnew(value)).toBe(PLAIN.toString());
  });

  it.each<[KmsFault, string, string]>([
    ['hangs', 'OBJECT_KMS_UNREACHABLE', `no response within ${SHORT_MS} ms`],
    ['is-unhealthy', 'OBJECT_KMS_FAILED', 'no HSM as its health'],
    ['has-another-version', 'OBJECT_KMS_FAILED', 'v1beta1'],
    ['encrypts-with-another-key', 'OBJECT_KMS_FAILED', 'another key than its status names'],
    ['forgets', 'OBJECT_KMS_FAILED', 'does not decrypt what it encrypted'],
    ['decrypts-to-a-short-key', 'OBJECT_KMS_FAILED', 'does not decrypt what it encrypted'],
  ])('that %s writes nothing', async (fault, code, said) => {
    plugin.fail(fault);
    const timeoutMs = fault === 'hangs' ? SHORT_MS : TIMEOUT_MS;
    const failure = await expectCode(encryptionBy(kms, { timeoutMs }).encrypt(PLAIN, KEY, IT, undefined), code);
    expect(failure.message).toContain(said);
    expect(failure.subject).toBe(`KMS provider lab (${plugin.endpoint})`);
  });

  it('that is down is to be started', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    await plugin.stop();
    const failure = await expectCode(encryptionBy(kms).decrypt(value, KEY, IT), 'OBJECT_KMS_UNREACHABLE');
    expect(failure.message).toContain('ENOENT');
    expect(failure.hint).toMatch(/start the KMS plugin.*static pod.*systemctl.*--via api/);
  });

  it('that hangs is asked once for many values', async () => {
    const [one, two] = [await storedWith(DEK_FROM_SEED), await storedWith(DEK_FROM_SEED)];
    plugin.fail('hangs');
    const encryption = encryptionBy(kms, { timeoutMs: SHORT_MS });
    await expectCode(encryption.decrypt(one, KEY, IT), 'OBJECT_KMS_UNREACHABLE');
    const asked = decryptions();
    await expectCode(encryption.decrypt(two, KEY, IT), 'OBJECT_KMS_UNREACHABLE');
    expect(decryptions()).toBe(asked);
  });

  it('is no server that accepts connections without an answer, nor one that ends them', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    for (const respond of [() => undefined, (socket: { destroy(): void }) => socket.destroy()]) {
      const socket = path.join(directory, `other-${respond.length}.sock`);
      const server = createServer(respond);
      server.listen(socket);
      await once(server, 'listening');
      const session = connectKmsPlugins(deps);
      await expectCode(
        encryptionBy(session, { endpoint: `unix://${socket}`, timeoutMs: SHORT_MS }).decrypt(value, KEY, IT),
        'OBJECT_KMS_UNREACHABLE',
      );
      session.close();
      server.close();
    }
  });

  it('is not called on an abstract socket, in the container only, or of a copy', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    await expectCode(encryptionBy(kms, { endpoint: 'unix:///@kms' }).decrypt(value, KEY, IT), 'OBJECT_ENCRYPTED_KMS');
    const inside = connectKmsPlugins({ ...deps, pathOnNode: () => undefined });
    await expectCode(encryptionBy(inside).decrypt(value, KEY, IT), 'OBJECT_ENCRYPTED_KMS');
    const copy = connectKmsPlugins({ ...deps, host: createLocalHost({ root: hostPath(directory) }) });
    const failure = await expectCode(encryptionBy(copy).decrypt(value, KEY, IT), 'OBJECT_ENCRYPTED_KMS');
    expect(failure.hint).toContain('without --root');
  });

  it('is called where the node has the socket of the container', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    const mapped = connectKmsPlugins({ ...deps, pathOnNode: () => hostPath(plugin.endpoint.slice('unix://'.length)) });
    const plain = await encryptionBy(mapped, { endpoint: 'unix:///in/the/container.sock' }).decrypt(value, KEY, IT);
    mapped.close();
    expect(Buffer.from(plain)).toEqual(PLAIN);
  });

  it('is not trusted where another user could replace its socket', async () => {
    const value = await storedWith(DEK_FROM_SEED);
    const guarded = connectKmsPlugins({ ...deps, host: guardHost(createLocalHost()) });
    // The directory is below /tmp.
    await expectCode(encryptionBy(guarded).decrypt(value, KEY, IT), 'SOURCE_UNTRUSTED');
    expect(decryptions()).toBe(0);
  });
});
