import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { KeyValue, RangeResult } from './kv.ts';

// Field numbers: proto/etcd.proto. Decoded by hand, because a listing has hundreds of thousands of these messages and the
// generated code creates two objects for each, even when skipped.

const EMPTY = new Uint8Array();

/**
 * Decodes a RangeResponse.
 *
 * @param keepEvery keeps every n-th key, beginning with the first, and the last one. Default: 1, all
 * @throws Error when the message is malformed
 */
export function decodeRange(bytes: Uint8Array, keepEvery = 1): RangeResult {
  const reader = new BinaryReader(bytes);
  const entries: KeyValue[] = [];
  let skipped: Uint8Array | undefined;
  let seen = 0;
  let more = false;
  let count = 0n;
  let revision = 0n;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) revision = readRevision(reader.bytes());
    else if (field === 2) {
      const entry = reader.bytes();
      skipped = seen % keepEvery === 0 ? undefined : entry;
      if (skipped === undefined) entries.push(readKeyValue(entry));
      seen += 1;
    } else if (field === 3) more = reader.bool();
    else if (field === 4) count = BigInt(reader.int64());
    else reader.skip(type, field);
  }
  if (skipped !== undefined) entries.push(readKeyValue(skipped));
  return { entries, more, count, revision };
}

function readRevision(header: Uint8Array): bigint {
  const reader = new BinaryReader(header);
  let revision = 0n;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 3) revision = BigInt(reader.int64());
    else reader.skip(type, field);
  }
  return revision;
}

function readKeyValue(bytes: Uint8Array): KeyValue {
  const reader = new BinaryReader(bytes);
  let key: Uint8Array = EMPTY;
  let value: Uint8Array = EMPTY;
  let createRevision = 0n;
  let modRevision = 0n;
  let version = 0n;
  let lease = 0n;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) key = reader.bytes();
    else if (field === 2) createRevision = BigInt(reader.int64());
    else if (field === 3) modRevision = BigInt(reader.int64());
    else if (field === 4) version = BigInt(reader.int64());
    else if (field === 5) value = reader.bytes();
    else if (field === 6) lease = BigInt(reader.int64());
    else reader.skip(type, field);
  }
  return { key, value, createRevision, modRevision, version, lease };
}
