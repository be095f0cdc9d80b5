import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { changeObjects } from './change-objects.ts';
import { ObjectError, type ObjectErrorCode } from '../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';

const kind = RESOURCE_KINDS.ConfigMap;
const objectOf = (name: string, data: object = {}): KubernetesObject => {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
};
const storedOf = (object: KubernetesObject): StoredObject => ({
  kind,
  object,
  revision: '1',
  partial: false,
  origin: undefined,
});
const edit = (object: KubernetesObject): KubernetesObject =>
  'done' in (object.data as object) ? object : { ...object, data: { ...(object.data as object), done: '' } };

/** A store of `count` objects; the first write to each of `failing` fails. */
function storeOf(count: number, failing: ReadonlyMap<string, ObjectErrorCode> = new Map()) {
  const objects = new Map(Array.from({ length: count }, (_, index) => [`o${index}`, objectOf(`o${index}`)]));
  const failed = new Set<string>();
  let underWay = 0;
  let most = 0;
  const store = {
    async *list() {
      for (const object of objects.values()) yield storedOf(object);
    },
    get: async ({ name }: { name: string }) => storedOf(objects.get(name) ?? objectOf(name)),
    replace: async (read: StoredObject, object: KubernetesObject) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      const { name } = object.metadata;
      const code = failing.get(name);
      if (code !== undefined && !failed.has(name)) {
        failed.add(name);
        objects.set(name, objectOf(name, { theirs: '' }));
        throw new ObjectError({ code, message: 'm', subject: name, hint: 'h' });
      }
      objects.set(name, object);
      return read;
    },
  } as unknown as ObjectStore;
  return { store, objects, most: () => most };
}

describe('a change of many objects', () => {
  it('edits all of them, a few at a time', async () => {
    const { store, objects, most } = storeOf(100);
    expect(await changeObjects(store, kind, edit, { concurrency: 7 })).toEqual({ changed: 100, unchanged: 0 });
    expect([...objects.values()].every((object) => edit(object) === object)).toBe(true);
    expect(most()).toBe(7);
    expect(await changeObjects(store, kind, edit)).toEqual({ changed: 0, unchanged: 100 });
  });

  it('keeps concurrent changes, and skips objects deleted meanwhile', async () => {
    const { store, objects } = storeOf(
      3,
      new Map([
        ['o1', 'OBJECT_CONFLICT'],
        ['o2', 'OBJECT_NOT_FOUND'],
      ]),
    );
    expect(await changeObjects(store, kind, edit)).toEqual({ changed: 2, unchanged: 1 });
    expect(objects.get('o1')?.data).toEqual({ theirs: '', done: '' });
  });

  it('stops at a failure, with no write pending', async () => {
    const { store, objects } = storeOf(100, new Map([['o10', 'OBJECT_FORBIDDEN']]));
    await expectCode(changeObjects(store, kind, edit, { concurrency: 4 }), 'OBJECT_FORBIDDEN');
    const done = [...objects.values()].filter((object) => edit(object) === object).length;
    expect(done).toBeGreaterThanOrEqual(10);
    expect(done).toBeLessThan(20);
  });
});
