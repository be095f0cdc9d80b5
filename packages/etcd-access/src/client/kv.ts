/** One key as etcd keeps it. */
export interface KeyValue {
  readonly key: Uint8Array;
  /** Empty when only keys were asked for. */
  readonly value: Uint8Array;
  /** Revision at which the key was created. */
  readonly createRevision: bigint;
  /** Revision of its last change; what a compare-and-swap names. */
  readonly modRevision: bigint;
  /** Counts the changes since it was created, from 1. */
  readonly version: bigint;
  /** The lease that will remove it; 0n for none. */
  readonly lease: bigint;
}

/** How a read is made. */
export interface ReadOptions {
  /** Read as of this revision. Default: the newest. */
  readonly revision?: bigint | undefined;
  /**
   * Answered by one member from what it has, also without quorum; may be old. Never follow it with a write that depends
   * on it. Default: false, linearizable.
   */
  readonly serializable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RangeRequest extends ReadOptions {
  /** First key. */
  readonly start: Uint8Array;
  /** First key that is no longer wanted; see {@link prefixEnd}. Default: `start` alone. */
  readonly end?: Uint8Array | undefined;
  /** Keys at most; 0 is no limit. Costs etcd a walk over the whole range: page with `list` instead. Default: 0. */
  readonly limit?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
}

export interface RangeResult {
  /** In the order of their keys. */
  readonly entries: readonly KeyValue[];
  /** There are more keys in the range than `limit` let through. */
  readonly more: boolean;
  /** Keys in the whole range, whatever the limit. */
  readonly count: bigint;
  /** The store's revision when it was read. */
  readonly revision: bigint;
}

/** A part of a listing; all parts of one listing are of the same revision. */
export interface ListBatch {
  readonly entries: readonly KeyValue[];
  /** The revision that the listing is of. */
  readonly revision: bigint;
  /** Keys in the whole listing. */
  readonly total: bigint;
}

export interface SwapRequest {
  readonly key: Uint8Array;
  /** The revision that was read; `0n`: the key must not exist yet. */
  readonly modRevision: bigint;
  /** At most 1.5 MiB at etcd's default settings. */
  readonly value: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

export interface DeleteRequest {
  readonly key: Uint8Array;
  /** The revision that was read. */
  readonly modRevision: bigint;
  readonly signal?: AbortSignal | undefined;
}

export interface SwapResult {
  /** False when the key was no longer (or not) at `modRevision`: nothing was written. */
  readonly succeeded: boolean;
  /** The store's revision afterwards; after a success the key's new `modRevision`. */
  readonly revision: bigint;
  /** What was there instead, when it did not succeed; `undefined` when nothing was. */
  readonly current: KeyValue | undefined;
}

/**
 * The keys of an etcd cluster: bytes to bytes.
 *
 * Reads go to the next member when one does not answer. A write is made once: when its outcome is not known it throws
 * `ETCD_OUTCOME_UNKNOWN`, and the caller reads the key to find out.
 */
export interface EtcdKv {
  /** The key, or `undefined` when there is none. */
  get(key: Uint8Array, options?: ReadOptions): Promise<KeyValue | undefined>;
  /**
   * One request, one answer, held in memory as a whole.
   * @throws EtcdError `ETCD_COMPACTED` `ETCD_NO_QUORUM` `ETCD_TOO_LARGE` when the answer is over 256 MiB, and the
   * failures of the connection
   */
  range(request: RangeRequest): Promise<RangeResult>;
  /**
   * Every key that begins with `prefix`, in order and of one revision, a few MiB at a time. At least one batch, which is
   * empty when there is none.
   *
   * Reads ahead a little; leaving the loop stops that.
   * @throws EtcdError `ETCD_COMPACTED` when the revision is compacted before the end is reached
   */
  list(prefix: Uint8Array, options?: ReadOptions): AsyncIterable<ListBatch>;
  /**
   * Writes `value` if the key is still at `modRevision`; a lease on the key stays.
   * @throws EtcdError `ETCD_OUTCOME_UNKNOWN` `ETCD_NO_QUORUM` `ETCD_NO_SPACE` `ETCD_TOO_LARGE`
   */
  compareAndSwap(request: SwapRequest): Promise<SwapResult>;
  /**
   * Deletes the key if it is still at `modRevision`.
   * @throws EtcdError as {@link EtcdKv.compareAndSwap}
   */
  compareAndDelete(request: DeleteRequest): Promise<SwapResult>;
}

/**
 * The first key that no longer begins with `prefix`, for the `end` of a range.
 *
 * A prefix of nothing but 0xff bytes (or none) has none: a single zero byte, which etcd reads as "to the end".
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last === -1) return Uint8Array.of(0);
  // A copy; slice of a Buffer would be none.
  const end = Uint8Array.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
