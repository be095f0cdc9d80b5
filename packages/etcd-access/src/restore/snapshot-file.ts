import { createHash } from 'node:crypto';
import type { HostFiles, HostPath } from '@kube-rescue/host';
import type { Member } from '../client/member.ts';
import { openDatabase } from '../database/database-file.ts';
import { readDatabaseMembers } from '../database/database-members.ts';
import { EtcdError } from '../errors.ts';

/** A file that etcd can be restored from. */
export interface SnapshotFile {
  readonly path: HostPath;
  readonly bytes: number;
  readonly modifiedAt: Date;
  /** SHA-256 of the whole file. */
  readonly sha256: string;
  /** The hash at its end was right. False: it has none, as the database of a data directory. */
  readonly isHashed: boolean;
  /** The revision of its last key. */
  readonly revision: number;
  readonly members: readonly Member[];
  /** The newest values of the keys asked for, without those that are missing or deleted. */
  readonly values: ReadonlyMap<string, Uint8Array>;
}

type Files = Pick<HostFiles, 'readRange' | 'stat'>;

const PIECE_BYTES = 4 * 1024 * 1024;
const HASH_BYTES = 32;
/** A database is a whole number of sectors; `snapshot save` appends a SHA-256 (etcd, `client/v3/snapshot`). */
const SECTOR_BYTES = 512;
/** Main and sub revision with a separator; a tombstone has one byte more (etcd, `server/storage/mvcc/revision.go`). */
const REVISION_BYTES = 17;

/**
 * Reads a snapshot, or `member/snap/db` of a data directory, to the end: its hash, its revision, its members, and some of its keys.
 *
 * Writes nothing, and does not read the write-ahead log of a data directory: entries of its last moments may be missing.
 * @param keys whole keys, or with a trailing `*` the newest value below a prefix
 * @throws EtcdError `ETCD_DATABASE_INVALID` `ETCD_SNAPSHOT_INVALID` for a wrong hash; HostError
 */
export async function inspectSnapshotFile(
  { path, keys }: { readonly path: HostPath; readonly keys: readonly string[] },
  { host }: { readonly host: Files },
): Promise<SnapshotFile> {
  const stat = await host.stat(path);
  const database = stat === undefined ? undefined : await openDatabase(path, { host });
  if (stat === undefined || database === undefined) throw missing(path);
  const isHashed = stat.size % SECTOR_BYTES === HASH_BYTES;
  const sha256 = await hashFile(path, stat.size, isHashed, host);
  const revision = revisionOf(await database.lastKey('key'));
  const members = (await readDatabaseMembers(path, { host })) ?? [];
  const values = new Map<string, Uint8Array>();
  for await (const entry of database.entries('key')) {
    const key = keyOf(entry.value);
    const wanted = keys.find((each) => (each.endsWith('*') ? key.startsWith(each.slice(0, -1)) : key === each));
    if (wanted === undefined) continue;
    if (entry.key.length > REVISION_BYTES) values.delete(wanted);
    else values.set(wanted, valueOf(entry.value));
  }
  return { path, bytes: stat.size, modifiedAt: stat.modifiedAt, sha256, isHashed, revision, members, values };
}

/** @throws EtcdError `ETCD_SNAPSHOT_INVALID` */
async function hashFile(path: HostPath, size: number, isHashed: boolean, host: Files): Promise<string> {
  const whole = createHash('sha256');
  const content = createHash('sha256');
  const end = isHashed ? size - HASH_BYTES : size;
  for (let offset = 0; offset < end; offset += PIECE_BYTES) {
    const piece = await host.readRange(path, { offset, length: Math.min(PIECE_BYTES, end - offset) });
    if (piece === undefined) throw missing(path);
    whole.update(piece);
    content.update(piece);
  }
  if (isHashed) {
    const hash = (await host.readRange(path, { offset: end, length: HASH_BYTES })) ?? new Uint8Array();
    whole.update(hash);
    if (!content.digest().equals(hash)) {
      throw new EtcdError({
        code: 'ETCD_SNAPSHOT_INVALID',
        message: 'the snapshot is damaged: its hash is wrong',
        subject: path,
        hint: 'use another copy of the snapshot, or an older one',
      });
    }
  }
  return whole.digest('hex');
}

function revisionOf(key: Uint8Array | undefined): number {
  return key === undefined || key.length < REVISION_BYTES ? 0 : Number(Buffer.from(key).readBigUInt64BE(0));
}

/** Field 1 of `mvccpb.KeyValue`, which is written first. */
function keyOf(value: Uint8Array): string {
  const field = readField(value, 0, 1);
  return field === undefined ? '' : Buffer.from(field.bytes).toString();
}

/** Field 5 of `mvccpb.KeyValue`, after numbers. */
function valueOf(value: Uint8Array): Uint8Array {
  let at = readField(value, 0, 1)?.end ?? 0;
  while (at < value.length) {
    const tag = readNumber(value, at);
    if (tag === undefined) break;
    if ((tag.number & 7) === 2) return readField(value, at, tag.number >> 3)?.bytes ?? new Uint8Array();
    at = readNumber(value, tag.end)?.end ?? value.length;
  }
  return new Uint8Array();
}

function readField(
  bytes: Uint8Array,
  at: number,
  field: number,
): { readonly bytes: Uint8Array; readonly end: number } | undefined {
  const tag = readNumber(bytes, at);
  if (tag === undefined || tag.number !== field * 8 + 2) return undefined;
  const length = readNumber(bytes, tag.end);
  if (length === undefined) return undefined;
  const end = length.end + length.number;
  return { bytes: bytes.subarray(length.end, end), end };
}

/** A protobuf varint below 2^53. */
function readNumber(bytes: Uint8Array, at: number): { readonly number: number; readonly end: number } | undefined {
  let number = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    number += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { number, end: at + index + 1 };
  }
  return undefined;
}

function missing(path: HostPath): EtcdError {
  return new EtcdError({
    code: 'ETCD_DATABASE_INVALID',
    message: 'there is no such file',
    subject: path,
    hint: 'give a snapshot file, or a data directory that has member/snap/db',
  });
}
