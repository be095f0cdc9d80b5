import {
  changeObject,
  type KubernetesObject,
  type ObjectStore,
  referenceOf,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { expectCode } from '../laws/expect-code.ts';

/** A store under test, with a namespace for the suite. */
export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** Exists, without ConfigMaps of the suite. */
  readonly namespace: string;
  dispose(): Promise<void>;
}

const { ConfigMap, DaemonSet, Deployment, Node, Secret } = RESOURCE_KINDS;
/** More than one page of an API server. */
const MANY = 520;

/** The contract of the ObjectStore port, as tests. */
export function objectStoreContract(name: string, make: () => Promise<ObjectStoreUnderTest>): void {
  describe(`the object store contract holds for ${name}`, () => {
    let subject: ObjectStoreUnderTest;
    let store: ObjectStore;
    let namespace: string;
    let count = 0;
    const fresh = (): string => `object-${(count += 1)}`;
    const secret = (fields: Readonly<Record<string, unknown>> = {}): KubernetesObject => {
      const metadata = { name: fresh(), namespace, labels: { keep: 'me' }, annotations: { 'a/b': 'ä\n' } };
      return {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata,
        type: 'Opaque',
        data: { a: base64('1'), empty: '' },
        ...fields,
      };
    };
    const reread = async (read: StoredObject): Promise<StoredObject | undefined> => store.get(referenceOf(read));
    beforeAll(async () => {
      subject = await make();
      ({ store, namespace } = subject);
    });
    afterAll(() => subject?.dispose());

    describe('reading', () => {
      it('returns undefined for a missing object', async () => {
        assert.equal(await store.get({ kind: Secret, namespace, name: 'none' }), undefined);
        assert.equal(await store.get({ kind: Secret, namespace: 'none', name: 'none' }), undefined);
        assert.equal(await store.get({ kind: Node, name: 'none' }), undefined);
        assert.deepEqual(await all(store.list(Secret, { namespace: 'none' })), []);
      });

      it.each(['..', '.', '', '../other/name', 'a/b', 'a\0b', 'a%2fb', 'a\nb'])(
        'rejects %j as a name and as a namespace',
        async (hostile) => {
          await expectCode(store.get({ kind: Secret, namespace, name: hostile }), 'OBJECT_INVALID');
          await expectCode(store.get({ kind: Secret, namespace: hostile, name: 'a' }), 'OBJECT_INVALID');
          await expectCode(all(store.list(Secret, { namespace: hostile })), 'OBJECT_INVALID');
        },
      );

      it('requires a namespace for namespaced kinds, and rejects one for cluster-wide kinds', async () => {
        await expectCode(store.get({ kind: Secret, name: 'a' }), 'OBJECT_INVALID');
        await expectCode(store.get({ kind: Node, name: 'a', namespace }), 'OBJECT_INVALID');
      });

      it('lists a namespace of several pages, and all namespaces', async () => {
        const names = Array.from({ length: MANY }, (_, index) => `many-${index}`);
        for (let from = 0; from < MANY; from += 40) {
          const some = names.slice(from, from + 40).map((each) => configMap(namespace, each, { each }));
          await Promise.all(some.map((object) => store.create(ConfigMap, object)));
        }
        const listed = (await all(store.list(ConfigMap, { namespace }))).filter(
          ({ object }) => object.data !== undefined,
        );
        const found = listed.map(({ object }) => (object.data as { each?: string }).each).filter(Boolean);
        assert.deepEqual(new Set(found), new Set(names));
        assert.equal(found.length, MANY);
        assert.deepEqual(listed[0]?.object.kind, 'ConfigMap');
        const everywhere = await all(store.list(ConfigMap));
        assert.ok(everywhere.length >= listed.length);
      });

      it('can stop a listing early', async () => {
        for await (const { object } of store.list(ConfigMap)) {
          assert.equal(object.apiVersion, 'v1');
          break;
        }
      });
    });

    describe('creating', () => {
      it('stores the object and sets its identity', async () => {
        const given = secret();
        const created = await store.create(Secret, given);
        const read = await store.get(referenceOf(created));
        assert.deepEqual(read?.object, created.object);
        assert.equal(read?.revision, created.revision);
        assert.equal(read?.object.metadata.resourceVersion, created.revision);
        assert.equal(read?.partial, false);
        const { data, type, metadata } = created.object;
        assert.deepEqual({ data, type }, { data: given.data, type: 'Opaque' });
        assert.deepEqual(metadata.labels, given.metadata.labels);
        assert.deepEqual(metadata.annotations, given.metadata.annotations);
        assert.match(metadata.uid ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        assert.match(String(metadata.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      });

      it('does not replace an existing object', async () => {
        const created = await store.create(Secret, secret());
        const again = secret({ metadata: { name: created.object.metadata.name, namespace }, data: { other: '' } });
        await expectCode(store.create(Secret, again), 'OBJECT_EXISTS');
        assert.deepEqual((await reread(created))?.object, created.object);
      });

      it('names a missing namespace', async () => {
        const lost = secret({ metadata: { name: 'lost', namespace: 'missing-namespace' } });
        const refused = await expectCode(store.create(Secret, lost), 'OBJECT_NOT_FOUND');
        assert.match(`${refused.subject}`, /missing-namespace/);
      });

      it('rejects data that are too large, without showing them', async () => {
        const value = randomBytes(1_100_000).toString('base64');
        const refused = await expectCode(store.create(Secret, secret({ data: { big: value } })), 'OBJECT_TOO_LARGE');
        assert.ok(!`${refused.message}${refused.hint}`.includes(value.slice(0, 30)));
      });
    });

    describe('replacing', () => {
      it('applies the edit and nothing else', async () => {
        const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u-1', controller: false };
        const metadata = { name: fresh(), namespace, finalizers: ['example.com/a'], ownerReferences: [owner] };
        const before = await store.create(Secret, secret({ metadata }));
        const data = { ...(before.object.data as object), added: base64('2'), a: base64('3') };
        const after = await store.replace(before, { ...before.object, data });
        assert.notEqual(after.revision, before.revision);
        assert.deepEqual((await reread(before))?.object, after.object);
        assert.deepEqual(comparable(after.object), comparable({ ...before.object, data }));
      });

      it('removes fields that the edit omits', async () => {
        const before = await store.create(Secret, secret());
        const { labels: _labels, ...metadata } = before.object.metadata;
        const after = await store.replace(before, { ...before.object, metadata, data: { a: base64('1') } });
        assert.equal(after.object.metadata.labels, undefined);
        assert.deepEqual(after.object.data, { a: base64('1') });
      });

      it('rejects a conflicting edit, and changes nothing', async () => {
        const before = await store.create(Secret, secret());
        const theirs = await store.replace(before, { ...before.object, data: { theirs: '' } });
        await expectCode(store.replace(before, { ...before.object, data: { ours: '' } }), 'OBJECT_CONFLICT');
        assert.deepEqual((await reread(before))?.object, theirs.object);
      });

      it('rejects an edit of a deleted object', async () => {
        const before = await store.create(Secret, secret());
        await store.delete(before);
        await expectCode(store.replace(before, { ...before.object, data: { ours: '' } }), 'OBJECT_NOT_FOUND');
        assert.equal(await reread(before), undefined);
      });

      it('writes nothing when nothing changes', async () => {
        const before = await store.create(Secret, secret());
        const after = await store.replace(before, structuredClone(before.object));
        assert.equal(after.revision, before.revision);
        assert.equal((await reread(before))?.revision, before.revision);
      });

      it.each([
        ['name', { name: 'other' }],
        ['namespace', { namespace: 'default' }],
        ['uid', { uid: '00000000-0000-0000-0000-000000000000' }],
      ])('rejects an edit of the %s', async (_field, edit) => {
        const before = await store.create(Secret, secret());
        const metadata = { ...before.object.metadata, ...edit };
        await expectCode(store.replace(before, { ...before.object, metadata }), 'OBJECT_INVALID');
      });

      it.each([
        ['bytes that are not base64', { data: { a: 'not base64 !' } }],
        ['a text for an object', { data: 'text' }],
        ['another type of Secret', { type: 'example.com/other' }],
      ])('rejects %s', async (_what, edit) => {
        const before = await store.create(Secret, secret());
        await expectCode(store.replace(before, { ...before.object, ...edit }), 'OBJECT_INVALID');
        assert.equal((await reread(before))?.revision, before.revision);
      });

      it('rejects an edit of an immutable Secret', async () => {
        const before = await store.create(Secret, secret({ immutable: true }));
        await expectCode(store.replace(before, { ...before.object, data: { a: '' } }), 'OBJECT_INVALID');
        assert.equal((await reread(before))?.revision, before.revision);
      });

      it('loses no increment of concurrent writers', async () => {
        const { object } = await store.create(ConfigMap, configMap(namespace, fresh(), { count: '0' }));
        const reference = { kind: ConfigMap, namespace, name: object.metadata.name };
        const writers = Array.from({ length: 4 }, async () => {
          for (let round = 0; round < 5; round += 1) await changeObject(store, reference, incremented);
        });
        await Promise.all(writers);
        assert.deepEqual((await store.get(reference))?.object.data, { count: '20' });
      });
    });

    describe('counting generations', () => {
      it("counts changes of a Deployment's spec, not of its labels", async () => {
        const before = await store.create(Deployment, deployment(namespace, fresh()));
        const spec = { ...(before.object.spec as object), replicas: 0 };
        const scaled = await store.replace(before, { ...before.object, spec });
        const metadata = { ...scaled.object.metadata, labels: { a: 'b' } };
        const labelled = await store.replace(scaled, { ...scaled.object, metadata });
        const generations = [before, scaled, labelled].map(({ object }) => object.metadata.generation);
        assert.deepEqual(generations, [1, 2, 2]);
      });

      it('counts the template generations of a DaemonSet', async () => {
        const key = 'deprecated.daemonset.template.generation';
        const { replicas: _replicas, ...spec } = deployment(namespace, fresh()).spec as Record<string, unknown>;
        const metadata = { name: fresh(), namespace, annotations: { [key]: '1' } };
        const object = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec } as const;
        const before = await store.create(DaemonSet, object);
        const edited = structuredClone(before.object) as unknown as {
          spec: { template: { metadata: { labels: object } } };
        };
        edited.spec.template.metadata.labels = { app: 'test', more: 'labels' };
        const after = await store.replace(before, edited as unknown as KubernetesObject);
        assert.equal(after.object.metadata.annotations?.[key], '2');
        assert.equal(after.object.metadata.generation, 2);
      });
    });

    describe('deleting', () => {
      it('deletes an object once', async () => {
        const created = await store.create(Secret, secret());
        await store.delete(created);
        assert.equal(await reread(created), undefined);
        await expectCode(store.delete(created), 'OBJECT_NOT_FOUND');
      });

      it('does not delete an object that was modified since', async () => {
        const before = await store.create(Secret, secret());
        await store.replace(before, { ...before.object, data: {} });
        await expectCode(store.delete(before), 'OBJECT_CONFLICT');
        assert.notEqual(await reread(before), undefined);
      });

      it('does not delete an object with finalizers', async () => {
        const metadata = { name: fresh(), namespace, finalizers: ['example.com/a'] };
        const created = await store.create(Secret, secret({ metadata }));
        await expectCode(store.delete(created), 'OBJECT_HAS_FINALIZERS');
        assert.equal((await reread(created))?.revision, created.revision);
      });
    });

    it('reads and changes a cluster-wide object, and its status separately', async () => {
      const node = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: `node-${namespace}` },
        spec: { podCIDR: '10.1.0.0/24' },
      };
      const before = await store.create(Node, node);
      const taints = [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }];
      const tainted = await store.replace(before, {
        ...before.object,
        spec: { ...(before.object.spec as object), taints },
      });
      assert.deepEqual((tainted.object.spec as { taints: unknown }).taints, taints);
      const status = {
        ...(tainted.object.status as object),
        addresses: [{ type: 'InternalIP', address: '10.9.0.11' }],
      };
      const addressed = await store.replace(tainted, { ...tainted.object, status });
      assert.deepEqual((addressed.object.status as { addresses: unknown }).addresses, status.addresses);
      await store.delete(addressed);
    });
  });
}

async function all(listing: AsyncIterable<StoredObject>): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const each of listing) found.push(each);
  return found;
}

/** The object without the fields that a store maintains. */
function comparable({ metadata, ...object }: KubernetesObject): unknown {
  const { resourceVersion: _revision, managedFields: _managers, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function incremented(object: KubernetesObject): KubernetesObject {
  const { count } = object.data as { readonly count: string };
  return { ...object, data: { count: String(Number(count) + 1) } };
}

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function deployment(namespace: string, name: string): KubernetesObject {
  const template = {
    metadata: { labels: { app: 'test' } },
    spec: { containers: [{ name: 'main', image: 'example.com/main:1' }] },
  };
  const spec = { replicas: 1, selector: { matchLabels: { app: 'test' } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
