import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { referenceOf, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import {
  createEtcdObjectStore,
  type EtcdClient,
  openEtcd,
  parseEncryptionConfiguration,
} from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { expectCode, objectStoreContract, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';

// test/e2e runs the same contract for the API server's adapter, on a real API server.
describe.skipIf(!requireProgram('etcd'))('a real etcd', () => {
  let etcd: RunningEtcd;
  let client: EtcdClient;
  beforeAll(async () => {
    etcd = await startEtcd();
    const { endpoints, pki } = etcd;
    const tls = pki && { ca: pki.ca.certificate, client: pki.client };
    client = await openEtcd({ endpoints, tls }, { host: createLocalHost(), clock: systemClock });
  });
  afterAll(async () => {
    client?.close();
    await etcd?.stop();
  });

  const storeOf = (encryption?: object) =>
    createEtcdObjectStore({
      kv: client,
      clock: systemClock,
      encryption: encryption && parseEncryptionConfiguration(JSON.stringify(encryption), 'encryption.yaml'),
    });
  const plantNamespace = async (): Promise<string> => {
    const name = `contract-${randomBytes(4).toString('hex')}`;
    const value = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await etcd.etcdctl('put', `/registry/namespaces/${name}`, value);
    return name;
  };

  objectStoreContract('etcd', async () => ({
    store: storeOf(),
    namespace: await plantNamespace(),
    dispose: async () => undefined,
  }));

  objectStoreContract('etcd with encryption at rest', async () => {
    const keys = [{ name: 'k', secret: randomBytes(32).toString('base64') }];
    const encryption = {
      kind: 'EncryptionConfiguration',
      apiVersion: 'apiserver.config.k8s.io/v1',
      resources: [{ resources: ['*.*'], providers: [{ aesgcm: { keys } }, { identity: {} }] }],
    };
    return { store: storeOf(encryption), namespace: await plantNamespace(), dispose: async () => undefined };
  });

  it('rejects an object over 1.5 MiB, and leaves the old one', async () => {
    const store = storeOf();
    const namespace = await plantNamespace();
    const metadata = { name: 'big', namespace };
    const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata } as const;
    const before = await store.create(RESOURCE_KINDS.ServiceAccount, object);
    const annotations = { big: 'x'.repeat(1.6 * 1024 * 1024) };
    const edited = { ...before.object, metadata: { ...before.object.metadata, annotations } };
    await expectCode(store.replace(before, edited), 'OBJECT_TOO_LARGE');
    await store.replace(before, { ...before.object, secrets: [{ name: 'still' }] });
  });

  it('reports the outcome of a write to a stopped etcd as unknown, until it is read', async () => {
    const namespace = await plantNamespace();
    const { endpoints, pki, members } = etcd;
    const tls = pki && { ca: pki.ca.certificate, client: pki.client };
    const impatient = await openEtcd(
      { endpoints, tls, requestTimeoutMs: 500, connectTimeoutMs: 500 },
      { host: createLocalHost(), clock: systemClock },
    );
    const store = createEtcdObjectStore({ kv: impatient, clock: systemClock });
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'frozen', namespace }, data: { a: 'old' } };
    const before = await store.create(RESOURCE_KINDS.ConfigMap, object);
    members[0].pause();
    try {
      await expectCode(store.replace(before, { ...before.object, data: { a: 'new' } }), 'OBJECT_OUTCOME_UNKNOWN');
    } finally {
      members[0].resume();
    }
    const after = await store.get(referenceOf(before));
    assert.ok(after !== undefined);
    const isMade = after.revision !== before.revision;
    assert.deepEqual(after.object.data, { a: isMade ? 'new' : 'old' });
    await store.replace(after, { ...after.object, data: { a: 'newer' } });
    impatient.close();
  });
});
