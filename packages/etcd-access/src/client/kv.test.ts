import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prefixEnd } from './kv.ts';

describe('the end of a prefix', () => {
  it.each([
    ['/registry/', '/registry0'],
    ['a\xff', 'b'],
    ['\xff\xff', '\0'],
    ['', '\0'],
  ])('of %j is %j', (prefix, end) => {
    expect(Buffer.from(prefixEnd(Buffer.from(prefix, 'latin1'))).toString('latin1')).toBe(end);
  });

  it('is after every key with the prefix, and does not modify the prefix', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (start, rest) => {
        const prefix = Buffer.from(start);
        const end = prefixEnd(prefix);
        expect(prefix).toEqual(Buffer.from(start));
        const isToTheEnd = end.length === 1 && end[0] === 0;
        if (!isToTheEnd) expect(Buffer.compare(end, Buffer.concat([start, rest]))).toBe(1);
      }),
    );
  });
});
