import { createSecretKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeySupply } from './key-supply.ts';

describe('the supply of new keys', () => {
  it('makes all that are expected when the first is taken, each for one certificate only', async () => {
    const supply = createKeySupply();
    const begun: string[] = [];
    const make = (id: string) => async (): Promise<KeyObject> => {
      begun.push(id);
      return createSecretKey(Buffer.from(`${id}${begun.length}`));
    };
    for (const id of ['a', 'b', 'c']) supply.expect(id, make(id));
    supply.expect('c', undefined);
    expect(begun).toEqual([]);
    const first = await supply.take('a', make('a'));
    expect(begun).toEqual(['a', 'b']);
    await supply.take('b', make('b'));
    expect(begun).toEqual(['a', 'b']);
    const again = await supply.take('a', make('a'));
    expect(again.equals(first)).toBe(false);
  });

  it('reports a failed key only to its consumer', async () => {
    const supply = createKeySupply();
    supply.expect('bad', () => Promise.reject(new Error('no entropy')));
    await supply.take('good', async () => createSecretKey(Buffer.from('k')));
    await expect(supply.take('bad', () => Promise.reject(new Error('another')))).rejects.toThrow('no entropy');
  });
});
