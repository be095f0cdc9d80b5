import { describeError } from '@kube-rescue/errors';
import { type ObjectStore, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { createFixedClock, expectCode } from '@kube-rescue/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';
import { createEtcdObjectStore } from './etcd-object-store.ts';
import { createMemoryKv, type MemoryKv } from './memory-kv.fixture.ts';

const { ConfigMap, Node, Pod, Secret, Service } = RESOURCE_KINDS;
const clock = createFixedClock(new Date('2026-01-02T03:04:05.678Z'));
const NAMESPACE = '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}';

let kv: MemoryKv;
let store: ObjectStore;

beforeEach(() => {
  kv = createMemoryKv();
  kv.plant('/registry/namespaces/default', NAMESPACE);
  store = createEtcdObjectStore({ kv, clock });
});

async function createSecret(name = 'a', data: object = { a: 'AAEC' }): Promise<StoredObject> {
  const metadata = { name, namespace: 'default' };
  return store.create(Secret, { apiVersion: 'v1', kind: 'Secret', metadata, data });
}

async function all(listing: AsyncIterable<StoredObject>): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { object } of listing) names.push(object.metadata.name);
  return names;
}

describe('objects in etcd', () => {
  it('have the keys that the API server uses', async () => {
    await createSecret();
    await store.create(Node, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node01' } });
    expect(kv.valueOf('/registry/secrets/default/a')).toBeDefined();
    expect(kv.valueOf('/registry/minions/node01')).toBeDefined();
    const other = createEtcdObjectStore({ kv, clock, prefix: 'kubernetes.io/' });
    await other.create(Node, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node01' } });
    expect(kv.valueOf('/kubernetes.io/minions/node01')).toBeDefined();
  });

  it('are created with the time of the clock, in whole seconds', async () => {
    expect((await createSecret()).object.metadata.creationTimestamp).toBe('2026-01-02T03:04:05Z');
  });

  it('are not read from a value of another kind, another name, or garbage', async () => {
    await createSecret();
    const value = kv.valueOf('/registry/secrets/default/a') ?? '';
    kv.plant('/registry/configmaps/default/a', value);
    kv.plant('/registry/secrets/default/b', value);
    kv.plant('/registry/secrets/other/a', value);
    kv.plant('/registry/secrets/default/noise', 'k8s\0noise');
    await expectCode(store.get({ kind: ConfigMap, namespace: 'default', name: 'a' }), 'OBJECT_UNREADABLE');
    await expectCode(store.get({ kind: Secret, namespace: 'default', name: 'b' }), 'OBJECT_UNREADABLE');
    await expectCode(store.get({ kind: Secret, namespace: 'other', name: 'a' }), 'OBJECT_UNREADABLE');
    await expectCode(store.get({ kind: Secret, namespace: 'default', name: 'noise' }), 'OBJECT_UNREADABLE');
  });

  it('are listed without unreadable ones, which are reported', async () => {
    for (const name of ['a', 'b', 'c']) await createSecret(name);
    kv.plant('/registry/secrets/default/b', 'k8s\0noise');
    for (const hostile of ['default/../../minions/x', 'default/..', 'default/\0', 'default', '']) {
      kv.plant(`/registry/secrets/${hostile}`, kv.valueOf('/registry/secrets/default/a') ?? '');
    }
    await expectCode(all(store.list(Secret)), 'OBJECT_UNREADABLE');
    const failures: string[] = [];
    const names = await all(store.list(Secret, { onUnreadable: (failure) => failures.push(describeError(failure)) }));
    expect(names).toEqual(['a', 'c']);
    expect(failures).toHaveLength(6);
  });

  it('of a namespace do not include those of one with a longer name', async () => {
    kv.plant('/registry/namespaces/default2', NAMESPACE.replace('default', 'default2'));
    await createSecret();
    const metadata = { name: 'b', namespace: 'default2' };
    await store.create(Secret, { apiVersion: 'v1', kind: 'Secret', metadata });
    expect(await all(store.list(Secret, { namespace: 'default' }))).toEqual(['a']);
  });

  it('that need an API server to be created are refused', async () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'default' } };
    await expectCode(store.create(Service, service), 'OBJECT_FIELD_UNSUPPORTED');
  });

  it('that are pods can be created with a node name and a service account', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' } };
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    await expectCode(store.create(Pod, { ...pod, spec }), 'OBJECT_FIELD_UNSUPPORTED');
    await store.create(Pod, { ...pod, spec: { ...spec, nodeName: 'cp1', serviceAccountName: 'default' } });
    const read = await store.get({ kind: Pod, namespace: 'default', name: 'p' });
    expect(read?.object.spec).toMatchObject({ nodeName: 'cp1', containers: [{ name: 'c' }] });
  });

  it('are not orphaned by the deletion of their namespace', async () => {
    const namespace = NAMESPACE.replace('}}', '},"spec":{"finalizers":["kubernetes"]}}');
    kv.plant('/registry/namespaces/default', namespace);
    const read = await store.get({ kind: RESOURCE_KINDS.Namespace, name: 'default' });
    await expectCode(store.delete(read as StoredObject), 'OBJECT_HAS_FINALIZERS');
  });

  it('cannot be replaced by an object read from another store', async () => {
    const { origin: _origin, ...read } = await createSecret();
    await expectCode(store.replace({ ...read, origin: {} }, { ...read.object, data: {} }), 'OBJECT_INVALID');
  });

  it('are not written without a quorum', async () => {
    await createSecret();
    const stale = createEtcdObjectStore({ kv, clock, serializable: true });
    const read = await stale.get({ kind: Secret, namespace: 'default', name: 'a' });
    expect(read?.object.data).toEqual({ a: 'AAEC' });
    await expectCode(
      stale.replace(read as StoredObject, { ...(read as StoredObject).object, data: {} }),
      'OBJECT_STORE_UNREACHABLE',
    );
    await expectCode(stale.delete(read as StoredObject), 'OBJECT_STORE_UNREACHABLE');
  });

  it('do not appear in the error of a refused edit', async () => {
    const read = await createSecret();
    const failure = await expectCode(
      store.replace(read, { ...read.object, data: { a: 'hunter2!' } }),
      'OBJECT_INVALID',
    );
    expect(describeError(failure) + JSON.stringify(failure)).not.toContain('hunter2');
    expect(failure.message).toBe('data["a"] is not base64');
  });
});

describe('a failure of etcd', () => {
  it.each([
    ['ETCD_UNREACHABLE', 'OBJECT_STORE_UNREACHABLE'],
    ['ETCD_NO_QUORUM', 'OBJECT_STORE_UNREACHABLE'],
    ['ETCD_TOO_LARGE', 'OBJECT_TOO_LARGE'],
    ['ETCD_OUTCOME_UNKNOWN', 'OBJECT_OUTCOME_UNKNOWN'],
    ['ETCD_NO_SPACE', 'ETCD_NO_SPACE'],
  ] as const satisfies readonly (readonly [EtcdErrorCode, string])[])('%s becomes %s', async (code, told) => {
    const read = await createSecret();
    const failing = async (): Promise<never> => {
      throw new EtcdError({ code, message: 'no', subject: 'https://127.0.0.1:2379', hint: 'see its log' });
    };
    const broken = createEtcdObjectStore({
      kv: { ...kv, get: failing, compareAndSwap: failing, list: () => never(failing) },
      clock,
    });
    await expectCode(broken.replace(read, { ...read.object, data: {} }), told);
    await expectCode(broken.get({ kind: Secret, namespace: 'default', name: 'a' }), told);
    await expectCode(all(broken.list(Secret)), told);
  });
});

async function* never(fail: () => Promise<never>): AsyncGenerator<never> {
  yield await fail();
}
