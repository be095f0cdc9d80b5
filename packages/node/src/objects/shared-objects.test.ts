import { ObjectError, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createSharedObjects } from './shared-objects.ts';

const SLOW = { kind: RESOURCE_KINDS.Node, name: 'slow' };
const GONE = { kind: RESOURCE_KINDS.Node, name: 'gone' };

/** Shared connections to a store that answers late for one object, and loses the connection for another. */
function makeSources() {
  const fake = createFakeObjectStore();
  fake.plant(RESOURCE_KINDS.Node, { metadata: { name: 'slow' } });
  const late = Promise.withResolvers<void>();
  const events: string[] = [];
  const shared = createSharedObjects();
  let count = 0;
  const open = (): Promise<ObjectStore> =>
    shared.open('etcd', async () => {
      count += 1;
      const own = count;
      const get: ObjectStore['get'] = async (reference, options) => {
        if (reference.name === 'gone') {
          throw new ObjectError({ code: 'OBJECT_STORE_UNREACHABLE', message: 'm', subject: 's', hint: 'h' });
        }
        await late.promise;
        events.push(`answer of ${own}`);
        return fake.get(reference, options);
      };
      return { store: { ...fake, get }, mayWrite: true, close: async () => void events.push(`close ${own}`) };
    });
  return { shared, open, events, late };
}

describe('a shared connection to the objects', () => {
  it('is opened once for concurrent callers', async () => {
    const { shared, open, events } = makeSources();
    await Promise.all([open(), open(), open()]);
    await shared.close();
    expect(events).toEqual(['close 1']);
  });

  it('is opened again after a failure, and is not closed while another call waits for an answer', async () => {
    const { shared, open, events, late } = makeSources();
    const [first, second] = await Promise.all([open(), open()]);
    const waiting = first.get(SLOW);
    await expect(second.get(GONE)).rejects.toMatchObject({ code: 'OBJECT_STORE_UNREACHABLE' });
    const third = await open();
    expect(events).toEqual([]);
    late.resolve();
    expect((await waiting)?.object.metadata.name).toBe('slow');
    expect(events).toEqual(['answer of 1', 'close 1']);
    await third.get(SLOW);
    expect(events).toEqual(['answer of 1', 'close 1', 'answer of 2']);
    await shared.close();
    expect(events.at(-1)).toBe('close 2');
  });

  it('is opened again for a caller that kept it while the call of another lost it', async () => {
    const { shared, open, events, late } = makeSources();
    const [kept, other] = await Promise.all([open(), open()]);
    await expect(other.get(GONE)).rejects.toMatchObject({ code: 'OBJECT_STORE_UNREACHABLE' });
    expect(events).toEqual(['close 1']);
    late.resolve();
    expect((await kept.get(SLOW))?.object.metadata.name).toBe('slow');
    await shared.close();
    expect(events).toEqual(['close 1', 'answer of 2', 'close 2']);
  });

  it('is closed once for each time it was opened, and never opened after its end', async () => {
    const { shared, open, events } = makeSources();
    const store = await open();
    await expect(store.get(GONE)).rejects.toThrow();
    await expect(store.get(GONE)).rejects.toThrow();
    await shared.close();
    await expect(store.get(GONE)).rejects.toThrow();
    expect(events).toEqual(['close 1', 'close 2']);
  });

  it('is tried again by the next caller when it could not be opened', async () => {
    const shared = createSharedObjects();
    await expect(shared.open('etcd', async () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    const fake = createFakeObjectStore();
    const made = await shared.open('etcd', async () => ({ store: fake, mayWrite: true, close: async () => undefined }));
    expect(made.name).toBe(fake.name);
    await shared.close();
  });
});
