import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { changeObject, type KubernetesObject, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import {
  connectKmsPlugins,
  createEtcdObjectStore,
  objectKey,
  parseEncryptionConfiguration,
} from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { expectCode, type RunningKmsPlugin, startKmsPlugin } from '@kube-rescue/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { locateBinaries } from '../../../apps/drill/src/wiring.ts';
import { readKmsValue } from '../../../packages/etcd-access/src/kms/encrypted-object.ts';
import { type KubeApi, startKubeApi } from '../objects/kube-api.ts';

const { ConfigMap, Secret } = RESOURCE_KINDS;
const RELEASE = KUBERNETES_RELEASES['1.37'];
const PREFIX = 'k8s:enc:kms:v2:lab:';
/** Values of `encryptedDEKSourceType`. */
const [KEY, SEED] = [0, 1];

let directory: string;
let plugin: RunningKmsPlugin;
let encryption: string;
let api: KubeApi;

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const input = { ...locateBinaries(process.env), release: RELEASE };
  const { directory: binaries } = await provideKubernetesBinaries(input, deps);
  // The API server's etcd is the one of its release.
  process.env['PATH'] = `${binaries}:${process.env['PATH']}`;
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-kms-'));
  plugin = await startKmsPlugin(path.join(directory, 'kms.sock'));
  const kms = { apiVersion: 'v2', name: 'lab', endpoint: plugin.endpoint, timeout: '3s' };
  encryption = JSON.stringify({
    kind: 'EncryptionConfiguration',
    apiVersion: 'apiserver.config.k8s.io/v1',
    resources: [{ resources: ['secrets'], providers: [{ kms }, { identity: {} }] }],
  });
  api = await startKubeApi(binaries, { encryption, kms: true });
  const [endpoint = ''] = api.etcd.endpoints;
  expect(`v${(await api.client.status(endpoint)).version}`).toBe(RELEASE.etcdVersion);
});
afterAll(async () => {
  await api?.dispose();
  await plugin?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true });
});

const secretOf = (name: string, a: string): KubernetesObject => {
  const data = { a: Buffer.from(a).toString('base64') };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, type: 'Opaque', data };
};
const referenceOf = (name: string) => ({ kind: Secret, namespace: 'default', name });
const stored = async (name: string) => {
  const found = await api.client.get(Buffer.from(objectKey('/registry', referenceOf(name))));
  const value = Buffer.from(found?.value ?? []);
  expect(value.toString('latin1', 0, PREFIX.length)).toBe(PREFIX);
  const read = readKmsValue(value.subarray(PREFIX.length));
  if (typeof read === 'string') throw new Error(read);
  return read;
};
const both = async (name: string): Promise<readonly (StoredObject | undefined)[]> =>
  Promise.all([api.viaApi.get(referenceOf(name)), api.viaEtcd.get(referenceOf(name))]);
/** Errors of the log that are about values. */
const complaints = async (): Promise<readonly string[]> =>
  (await api.server.log()).split('\n').filter((line) => /^[EF]\d{4} .*(?:decrypt|kms|transform|storage)/i.test(line));

it('Secrets of a real API server are read from etcd through its KMS plugin, all with one call', async () => {
  for (let index = 0; index < 100; index += 1)
    await api.viaApi.create(Secret, secretOf(`made-${index}`, `value ${index}`));
  expect((await stored('made-0')).source.type).toBe(SEED);
  const before = plugin.calls.length;
  const found: StoredObject[] = [];
  for await (const each of api.viaEtcd.list(Secret)) found.push(each);
  expect(plugin.calls.slice(before)).toEqual(['/v2.KeyManagementService/Decrypt']);
  for (let index = 0; index < 100; index += 1) {
    const [viaApi, viaEtcd] = await both(`made-${index}`);
    expect(viaEtcd?.object).toEqual(viaApi?.object);
    expect(found.find(({ object }) => object.metadata.name === `made-${index}`)?.object).toEqual(viaApi?.object);
  }
});

it('a Secret changed in etcd is read by the running API server, which changes it further', async () => {
  const changed = await changeObject(api.viaEtcd, referenceOf('made-1'), (object) => ({
    ...object,
    ...dataOf('from etcd'),
  }));
  expect((await stored('made-1')).source.type).toBe(SEED);
  const [viaApi] = await both('made-1');
  expect(viaApi?.object).toEqual(changed.object);
  await changeObject(api.viaApi, referenceOf('made-1'), (object) => ({ ...object, ...dataOf('from the API') }));
  const [again, viaEtcd] = await both('made-1');
  expect(viaEtcd?.object).toEqual(again?.object);
  expect(viaEtcd?.object['data']).toEqual(dataOf('from the API').data);
});

it('Secrets changed and made with the API server down are read by it after its start, with both types of DEK source', async () => {
  await api.server.stop();
  const expected = new Map<string, KubernetesObject>();
  for (const name of ['made-2', 'made-3']) {
    const { object } = await changeObject(api.viaEtcd, referenceOf(name), (each) => ({
      ...each,
      ...dataOf(`down ${name}`),
    }));
    expected.set(name, object);
  }
  const made = await api.viaEtcd.create(Secret, secretOf('made-in-etcd', 'new'));
  expected.set('made-in-etcd', made.object);
  expect([(await stored('made-2')).source.type, (await stored('made-in-etcd')).source.type]).toEqual([SEED, KEY]);
  // Of the type of the value that is replaced.
  const replaced = await changeObject(api.viaEtcd, referenceOf('made-in-etcd'), (each) => ({
    ...each,
    ...dataOf('newer'),
  }));
  expect((await stored('made-in-etcd')).source.type).toBe(KEY);
  expected.set('made-in-etcd', replaced.object);
  await api.server.start();
  for (const restart of [false, true]) {
    if (restart) {
      await api.server.stop();
      await api.server.start();
    }
    for (const [name, object] of expected) expect((await api.viaApi.get(referenceOf(name)))?.object).toEqual(object);
  }
  // An update through the API moves it to the API server's own DEK source.
  await changeObject(api.viaApi, referenceOf('made-in-etcd'), (each) => ({ ...each, ...dataOf('newest') }));
  expect((await stored('made-in-etcd')).source.type).toBe(SEED);
  expect(await complaints()).toEqual([]);
});

it('both read and write after the key in the KMS was rotated', async () => {
  plugin.rotate();
  const parsed = parseEncryptionConfiguration(encryption, 'encryption.yaml');
  const kms = connectKmsPlugins({ host: createLocalHost(), clock: systemClock });
  const store = createEtcdObjectStore({ kv: api.client, clock: systemClock, encryption: parsed, kms });
  const changed = await changeObject(store, referenceOf('made-4'), (each) => ({ ...each, ...dataOf('rotated') }));
  kms.close();
  expect((await stored('made-4')).source.keyId).toBe('key-2');
  expect((await api.viaApi.get(referenceOf('made-4')))?.object).toEqual(changed.object);
});

it('objects that are not encrypted need no plugin; Secrets do, and say what to start', async () => {
  await api.viaApi.create(ConfigMap, { ...secretOf('plain', 'x'), kind: 'ConfigMap', type: undefined });
  await plugin.stop();
  const kms = connectKmsPlugins({ host: createLocalHost(), clock: systemClock });
  const parsed = parseEncryptionConfiguration(encryption, 'encryption.yaml');
  const store = createEtcdObjectStore({ kv: api.client, clock: systemClock, encryption: parsed, kms });
  expect(await store.get({ kind: ConfigMap, namespace: 'default', name: 'plain' })).toBeDefined();
  const failure = await expectCode(store.get(referenceOf('made-0')), 'OBJECT_KMS_UNREACHABLE');
  expect(failure.hint).toContain('start the KMS plugin');
  await plugin.start();
  kms.close();
});

function dataOf(text: string): { readonly data: Readonly<Record<string, string>> } {
  return { data: { a: Buffer.from(text).toString('base64') } };
}
