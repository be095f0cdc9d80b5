import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeResponseSchema } from '../generated/etcd_pb.ts';
import { decodeRange } from './range-decoding.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const keyValue = fc.record({
  ...{ key: fc.uint8Array(), value: fc.uint8Array(), createRevision: int64, modRevision: int64 },
  ...{ version: int64, lease: int64 },
});
const response = fc.record({
  ...{ header: fc.record({ revision: int64, clusterId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }) },
  ...{ kvs: fc.array(keyValue), more: fc.boolean(), count: int64 },
});

describe('the response to a range request', () => {
  it('is decoded like by the generated code', () => {
    fc.assert(
      fc.property(response, (content) => {
        const bytes = toBinary(RangeResponseSchema, create(RangeResponseSchema, content));
        const { kvs, more, count, header } = fromBinary(RangeResponseSchema, bytes);
        const entries = kvs.map(({ key, value, createRevision, modRevision, version, lease }) => {
          return { key, value, createRevision, modRevision, version, lease };
        });
        expect(decodeRange(bytes)).toEqual({ entries, more, count, revision: header?.revision });
      }),
    );
  });

  it('is reduced to every n-th key and the last', () => {
    fc.assert(
      fc.property(response, fc.integer({ min: 1, max: 5 }), (content, every) => {
        const bytes = toBinary(RangeResponseSchema, create(RangeResponseSchema, content));
        const all = decodeRange(bytes).entries;
        const kept = all.filter((_, index) => index % every === 0 || index === all.length - 1);
        expect(decodeRange(bytes, every).entries).toEqual(kept);
      }),
    );
  });

  it('is refused when it is garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeRange(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
