import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ClusterCalls } from '../transport/cluster-calls.ts';
import { COMPARE_EQUAL, COMPARE_MOD } from './etcd-constants.ts';
import {
  KV,
  type KeyValue as WireKeyValue,
  type RangeRequestSchema,
  type RequestOpSchema,
} from '../generated/etcd_pb.ts';
import { listRange, type RangeBounds } from './key-listing.ts';
import type { EtcdKv, KeyValue, RangeRequest, RangeResult, SwapResult } from './kv.ts';
import { prefixEnd } from './kv.ts';
import type { MemberCalls } from '../transport/member-calls.ts';
import { decodeRange } from './range-decoding.ts';

interface KvDeps {
  readonly cluster: ClusterCalls;
  readonly members: MemberCalls;
}

type Operation = MessageInitShape<typeof RequestOpSchema>;

/** The keys of a cluster, over gRPC. */
export function createEtcdKv({ cluster, members }: KvDeps): EtcdKv {
  const readRange = (request: RangeRequest, bounds: RangeBounds): Promise<RangeResult> => {
    const { signal, serializable = false } = request;
    const { keepEvery, ...limits } = bounds;
    const options = {
      needsLeader: !serializable,
      signal,
      ...limits,
      decode: (bytes: Uint8Array) => decodeRange(bytes, keepEvery),
    };
    return cluster.call({ isWrite: false, signal }, (endpoint) =>
      members.unaryDecoded(endpoint, KV.method.range, wireRange(request), options),
    );
  };

  const transact = async (
    key: Uint8Array,
    modRevision: bigint,
    operation: Operation,
    signal: AbortSignal | undefined,
  ): Promise<SwapResult> => {
    const answer = await cluster.call({ isWrite: true, signal }, (endpoint) => {
      const compare = [{ key, result: COMPARE_EQUAL, target: COMPARE_MOD, modRevision }];
      const failure: Operation[] = [{ request: { case: 'requestRange', value: { key } } }];
      const request = { compare, success: [operation], failure };
      return members.unary(endpoint, KV.method.txn, request, { isWrite: true, signal });
    });
    const [response] = answer.responses;
    const found = response?.response.case === 'responseRange' ? response.response.value.kvs[0] : undefined;
    return {
      succeeded: answer.succeeded,
      revision: answer.header?.revision ?? 0n,
      current: answer.succeeded || found === undefined ? undefined : keyValueOf(found),
    };
  };

  return {
    range: (request) => readRange(request, {}),
    get: async (key, options = {}) => (await readRange({ ...options, start: key }, {})).entries[0],
    // etcd refuses an empty key; a zero byte is the first possible key.
    list: (prefix, options = {}) =>
      listRange(
        { ...options, start: prefix.length === 0 ? Uint8Array.of(0) : prefix, end: prefixEnd(prefix) },
        readRange,
      ),
    compareAndSwap: ({ key, modRevision, value, signal }) => {
      // An existing key keeps its lease; a new key has none.
      const put = { key, value, ignoreLease: modRevision !== 0n };
      return transact(key, modRevision, { request: { case: 'requestPut', value: put } }, signal);
    },
    compareAndDelete: ({ key, modRevision, signal }) =>
      transact(key, modRevision, { request: { case: 'requestDeleteRange', value: { key } } }, signal),
  };
}

function wireRange(request: RangeRequest): MessageInitShape<typeof RangeRequestSchema> {
  const { start, end, limit = 0, revision = 0n, keysOnly, countOnly, serializable } = request;
  return {
    key: start,
    rangeEnd: end ?? new Uint8Array(),
    limit: BigInt(limit),
    revision,
    keysOnly: keysOnly ?? false,
    countOnly: countOnly ?? false,
    serializable: serializable ?? false,
  };
}

function keyValueOf({ key, value, createRevision, modRevision, version, lease }: WireKeyValue): KeyValue {
  return { key, value, createRevision, modRevision, version, lease };
}
