import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EtcdError } from '../errors.ts';
import { listRange, type RangeBounds } from './key-listing.ts';
import { type KeyValue, prefixEnd, type RangeRequest, type RangeResult } from './kv.ts';

const TO_THE_END = '00';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An in-memory etcd of one revision that counts the keys it walks. */
function memoryEtcd(sizes: readonly number[]) {
  const all = sizes.map((size, index): KeyValue => {
    const key = Buffer.from(`/list/${String(index).padStart(7, '0')}`);
    return { key, value: new Uint8Array(size), createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n };
  });
  const keys = all.map(({ key }) => hex(key));
  const firstFrom = (key: string): number => {
    const found = keys.findIndex((each) => each >= key);
    return found === -1 ? keys.length : found;
  };
  let walked = 0;
  let largest = 0;
  const read = async (request: RangeRequest, bounds: RangeBounds): Promise<RangeResult> => {
    const start = firstFrom(hex(request.start));
    const end =
      hex(request.end ?? request.start) === TO_THE_END ? keys.length : firstFrom(hex(request.end ?? request.start));
    walked += end - start;
    const some = all.slice(start, Math.min(end, start + (request.limit ?? end)));
    const bytes = request.keysOnly === true ? 0 : some.reduce((sum, { value }) => sum + value.length, 0);
    if (bytes > (bounds.maxMessageBytes ?? Number.POSITIVE_INFINITY)) {
      throw new EtcdError({ code: 'ETCD_TOO_LARGE', message: 'too large', subject: 'etcd', hint: 'less' });
    }
    largest = Math.max(largest, bytes);
    const every = bounds.keepEvery ?? 1;
    const entries = some.filter((_, index) => index % every === 0 || index === some.length - 1);
    return { entries, more: start + some.length < end, count: BigInt(end - start), revision: 7n };
  };
  return { all, read, walked: () => walked, largest: () => largest };
}

async function listed(etcd: ReturnType<typeof memoryEtcd>): Promise<readonly KeyValue[]> {
  const prefix = Buffer.from('/list/');
  const batches = await Array.fromAsync(listRange({ start: prefix, end: prefixEnd(prefix) }, etcd.read));
  expect(batches.every(({ revision, total }) => revision === 7n && total === BigInt(etcd.all.length))).toBe(true);
  return batches.flatMap(({ entries }) => entries);
}

describe('a listing', () => {
  it('has every key once and in order, for any size of values', async () => {
    const size = fc.oneof({ weight: 5, arbitrary: fc.nat(100) }, { weight: 1, arbitrary: fc.nat(3_000_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 3000, size: 'max' }), async (sizes) => {
        const etcd = memoryEtcd(sizes);
        expect((await listed(etcd)).map(({ key }) => hex(key))).toEqual(etcd.all.map(({ key }) => hex(key)));
        expect(etcd.largest()).toBeLessThanOrEqual(32 * 1024 * 1024);
      }),
      { numRuns: 25 },
    );
  });

  it('makes etcd walk a linear number of keys, not a quadratic one', async () => {
    const etcd = memoryEtcd(Array.from({ length: 40_000 }, () => 1));
    expect(await listed(etcd)).toHaveLength(40_000);
    expect(etcd.walked()).toBeLessThan(8 * 40_000);
  });

  it('fails when any page fails', async () => {
    const etcd = memoryEtcd(Array.from({ length: 5000 }, () => 1));
    let calls = 0;
    const failure = new Error('cut');
    const read: typeof etcd.read = async (request, bounds) => {
      calls += 1;
      if (calls === 4) throw failure;
      return etcd.read(request, bounds);
    };
    const prefix = Buffer.from('/list/');
    await expect(Array.fromAsync(listRange({ start: prefix, end: prefixEnd(prefix) }, read))).rejects.toBe(failure);
  });
});
