import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { changeObject } from './change-object.ts';
import { ObjectError } from '../errors.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';

const reference = { kind: RESOURCE_KINDS.Secret, namespace: 'default', name: 'a' };
const read: StoredObject = {
  kind: reference.kind,
  object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'default' } },
  revision: '1',
  partial: false,
  origin: undefined,
};

/** A store that reports `conflicts` conflicts. */
function contended(conflicts: number): { store: ObjectStore; writes: () => number } {
  let writes = 0;
  const store = {
    get: async () => read,
    replace: async () => {
      writes += 1;
      if (writes <= conflicts)
        throw new ObjectError({ code: 'OBJECT_CONFLICT', message: 'm', subject: 's', hint: 'h' });
      return read;
    },
  } as unknown as ObjectStore;
  return { store, writes: () => writes };
}

describe('a change of an object', () => {
  it('is retried on conflict', async () => {
    const { store, writes } = contended(3);
    await changeObject(store, reference, (object) => ({ ...object }));
    expect(writes()).toBe(4);
  });

  it('fails after twenty conflicts', async () => {
    const { store, writes } = contended(1000);
    await expectCode(
      changeObject(store, reference, (object) => ({ ...object })),
      'OBJECT_CONFLICT',
    );
    expect(writes()).toBe(20);
  });

  it('that changes nothing is not written', async () => {
    const { store, writes } = contended(0);
    expect(await changeObject(store, reference, (object) => object)).toBe(read);
    expect(writes()).toBe(0);
  });

  it('of a missing object is refused', async () => {
    const store = { get: async () => undefined } as unknown as ObjectStore;
    await expectCode(
      changeObject(store, reference, (object) => object),
      'OBJECT_NOT_FOUND',
    );
  });
});
