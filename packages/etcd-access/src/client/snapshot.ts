import { type Host, type HostPath, parentPath } from '@kube-rescue/host';
import { createHash } from 'node:crypto';
import { EtcdError } from '../errors.ts';
import type { EtcdClient } from './etcd-client.ts';
import { joinPieces } from '../transport/piece-joining.ts';

/** Encryption of a snapshot. */
export interface SnapshotSeal {
  /** Suffix of encrypted files, for example `.age`. */
  readonly suffix: string;
  readonly seal: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

export interface SnapshotRequest {
  /** The new file; its directory must exist, the file must not. */
  readonly target: HostPath;
  /** The member to read from. Default: the responding member with the newest revision. */
  readonly endpoint?: string | undefined;
  /** Called for each received chunk. */
  readonly onProgress?: ((progress: SnapshotProgress) => void) | undefined;
  /** Default: not encrypted. */
  readonly seal?: SnapshotSeal | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SnapshotProgress {
  readonly bytes: number;
  /** The size of the database at the start; the snapshot may be slightly larger. */
  readonly expectedBytes: number;
}

export interface SavedSnapshot {
  readonly path: HostPath;
  /** Size of the file. */
  readonly bytes: number;
  /** Digest of the unencrypted snapshot, as printed by `sha256sum`. */
  readonly sha256: string;
  /** The revision of the database at the start; the snapshot contains everything up to it. */
  readonly revision: bigint;
  readonly endpoint: string;
}

export interface SnapshotDeps {
  readonly client: Pick<EtcdClient, 'endpoints' | 'status' | 'snapshot'>;
  readonly host: Pick<Host, 'stat' | 'freeBytes' | 'writeFileFrom'>;
}

/** The snapshot contains Secrets. */
const SNAPSHOT_MODE = 0o600;
/** SHA-256 of the database, appended by etcd. */
const DIGEST_BYTES = 32;
/** The size of a database is a multiple of this, so truncation is detected; `etcdutl snapshot status` checks the same. */
const SECTOR_BYTES = 512;
/** Kept free, because a full disk breaks the node. */
const SPARE_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
/** The free space is read again after so many bytes: a member may send more than its database has. */
const CHECK_EVERY_BYTES = 64 * 1024 * 1024;

/**
 * Writes a backup of etcd for `etcdutl snapshot restore` (before etcd 3.6 also `etcdctl snapshot restore`).
 *
 * The file gets its name only after its length and digest are verified and it is synced to disk. Works without quorum, from
 * the data of one member.
 *
 * @throws EtcdError `ETCD_SNAPSHOT_TARGET_EXISTS` `ETCD_SNAPSHOT_NO_SPACE` `ETCD_SNAPSHOT_INVALID`, and the failures of the
 * connection; HostError when the file cannot be written. No file is left behind.
 */
export async function saveSnapshot(request: SnapshotRequest, { client, host }: SnapshotDeps): Promise<SavedSnapshot> {
  const { target, onProgress, seal, signal } = request;
  await assertAbsent(target, host);
  const { endpoint, dbSize, revision } = await chooseMember(request, client);
  await assertDiskSpace(target, dbSize, host);

  const hash = createHash('sha256');
  let bytes = 0;
  const verified = async function* (): AsyncGenerator<Uint8Array, void> {
    let tail: Uint8Array = new Uint8Array();
    for await (const piece of joinPieces(client.snapshot(endpoint, { signal }), PIECE_BYTES)) {
      // The digest is the end of the stream, known only when the stream ends.
      hash.update(tail);
      const body = Math.max(0, piece.length - DIGEST_BYTES);
      hash.update(piece.subarray(0, body));
      tail = piece.subarray(body);
      const before = bytes;
      bytes += piece.length;
      if (Math.trunc(before / CHECK_EVERY_BYTES) < Math.trunc(bytes / CHECK_EVERY_BYTES)) {
        await assertDiskSpace(
          target,
          CHECK_EVERY_BYTES,
          host,
          `the member at ${endpoint} has sent ${bytes} bytes, and `,
        );
      }
      yield piece;
      onProgress?.({ bytes, expectedBytes: dbSize });
      // The rest may have arrived already, and then the stream itself no longer ends with the reason.
      signal?.throwIfAborted();
    }
    const isWhole = bytes % SECTOR_BYTES === DIGEST_BYTES && hash.copy().digest().equals(tail);
    if (!isWhole) throw invalid(endpoint, bytes);
    hash.update(tail);
    await assertAbsent(target, host);
  };
  const written = counted(seal === undefined ? verified() : seal.seal(verified()));
  await host.writeFileFrom(target, written.pieces, { mode: SNAPSHOT_MODE });
  return { path: target, bytes: written.bytes(), sha256: hash.digest('hex'), revision, endpoint };
}

function counted(source: AsyncIterable<Uint8Array>): {
  readonly pieces: AsyncIterable<Uint8Array>;
  bytes(): number;
} {
  let bytes = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const piece of source) {
      bytes += piece.length;
      yield piece;
    }
  };
  return { pieces: pieces(), bytes: () => bytes };
}

/** Bytes that must be free for a snapshot of a database of `dbSize` bytes. */
export function bytesForSnapshot(dbSize: number): number {
  return dbSize + SPARE_BYTES;
}

async function chooseMember(
  { endpoint: asked, signal }: SnapshotRequest,
  client: SnapshotDeps['client'],
): Promise<{ endpoint: string; dbSize: number; revision: bigint }> {
  const candidates = asked === undefined ? client.endpoints : [asked];
  const answers = await Promise.allSettled(
    candidates.map(async (endpoint) => ({ endpoint, ...(await client.status(endpoint, { signal })) })),
  );
  const best = answers
    .flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    .reduce<Awaited<ReturnType<typeof chooseMember>> | undefined>(
      (most, each) => (most === undefined || each.revision > most.revision ? each : most),
      undefined,
    );
  if (best !== undefined) return best;
  throw answers.find((answer) => answer.status === 'rejected')?.reason;
}

async function assertAbsent(target: HostPath, host: SnapshotDeps['host']): Promise<void> {
  if ((await host.stat(target)) === undefined) return;
  throw new EtcdError({
    code: 'ETCD_SNAPSHOT_TARGET_EXISTS',
    message: 'cannot save the snapshot: the file exists already',
    subject: target,
    hint: 'use the name of a new file; a backup is never overwritten',
  });
}

async function assertDiskSpace(
  target: HostPath,
  dbSize: number,
  host: SnapshotDeps['host'],
  prefix = '',
): Promise<void> {
  const free = await host.freeBytes(parentPath(target));
  const needed = bytesForSnapshot(dbSize);
  if (free >= needed) return;
  throw new EtcdError({
    code: 'ETCD_SNAPSHOT_NO_SPACE',
    message: `cannot save the snapshot: ${prefix}${needed} bytes are needed, ${free} are free`,
    subject: target,
    hint: 'free some space or use a path on another filesystem',
  });
}

function invalid(endpoint: string, bytes: number): EtcdError {
  return new EtcdError({
    code: 'ETCD_SNAPSHOT_INVALID',
    message: `the snapshot is damaged: its ${bytes} bytes do not match its digest`,
    subject: endpoint,
    hint: 'take the snapshot again, from another member if possible',
  });
}
