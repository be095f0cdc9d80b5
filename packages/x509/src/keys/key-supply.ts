import type { KeyObject } from 'node:crypto';

/** Makes the new keys of a plan, all at once on the threads of libuv's pool, when the first of them is asked for. */
export interface KeySupply {
  /** A certificate that is to have a new key; forgotten again when it is not. */
  expect(id: string, make: (() => Promise<KeyObject>) | undefined): void;
  /** The key of one certificate, once; a key that was not expected is made now. */
  take(id: string, make: () => Promise<KeyObject>): Promise<KeyObject>;
}

/** RSA takes from 40 ms to a second each, so that one after the other would be most of what a renewal takes. */
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
        // take() rejects with its failure; the failure of a key that is not taken has no effect.
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
