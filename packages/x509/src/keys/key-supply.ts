import type { KeyObject } from 'node:crypto';

/** Generates the new keys of a plan in parallel on libuv's thread pool, when the first key is taken. */
export interface KeySupply {
  /** Registers the key of a certificate for generation; without `make`, cancels it. */
  expect(id: string, make: (() => Promise<KeyObject>) | undefined): void;
  /** The new key of one certificate, once; an unexpected key is generated now. */
  take(id: string, make: () => Promise<KeyObject>): Promise<KeyObject>;
}

/** RSA takes from 40 ms to a second each; one after the other, keys would take most of the time of a renewal. */
export function createKeySupply(): KeySupply {
  const expected = new Map<string, () => Promise<KeyObject>>();
  const made = new Map<string, Promise<KeyObject>>();
  return {
    expect: (id, make) => {
      if (make === undefined) expected.delete(id);
      else expected.set(id, make);
    },
    take: async (id, make) => {
      for (const [each, makeEach] of expected) {
        if (made.has(each)) continue;
        const key = makeEach();
        // take() rejects with its failure; the failure of an unused key has no effect.
        key.catch(() => undefined);
        made.set(each, key);
      }
      const key = made.get(id) ?? make();
      made.delete(id);
      expected.delete(id);
      return key;
    },
  };
}
