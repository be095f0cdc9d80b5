/** One key in etcd. */
export interface KeyValue {
  readonly key: Uint8Array;
  /** Empty when only keys were requested. */
  readonly value: Uint8Array;
  /** Revision at which the key was created. */
  readonly createRevision: bigint;
  /** Revision of its last change, for compare-and-swap. */
  readonly modRevision: bigint;
  /** Number of changes since the creation, from 1. */
  readonly version: bigint;
  /** The lease of the key; 0n for none. */
  readonly lease: bigint;
}

/** Options of a read. */
export interface ReadOptions {
  /** Read as of this revision. Default: the newest. */
  readonly revision?: bigint | undefined;
  /**
   * Read from a single member, even without quorum; may be stale. Never base a write on it. Default: false, linearizable.
   */
  readonly serializable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RangeRequest extends ReadOptions {
  /** First key. */
  readonly start: Uint8Array;
  /** First key after the range; see {@link prefixEnd}. Default: `start` alone. */
  readonly end?: Uint8Array | undefined;
  /** Maximum number of keys; 0 is no limit. etcd still counts the whole range: use `list` for paging. Default: 0. */
  readonly limit?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
}

export interface RangeResult {
  /** Sorted by key. */
  readonly entries: readonly KeyValue[];
  /** The range has more keys than `limit`. */
  readonly more: boolean;
  /** Number of keys in the whole range, regardless of the limit. */
  readonly count: bigint;
  /** The store's revision at the read. */
  readonly revision: bigint;
}

/** A batch of a listing; all batches of a listing are from the same revision. */
export interface ListBatch {
  readonly entries: readonly KeyValue[];
  /** The revision of the listing. */
  readonly revision: bigint;
  /** Number of keys in the whole listing. */
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
  /** False when the key was not at `modRevision`: nothing was written. */
  readonly succeeded: boolean;
  /** The store's revision afterwards; after a success the key's new `modRevision`. */
  readonly revision: bigint;
  /** The present key when the swap failed; `undefined` when it does not exist. */
  readonly current: KeyValue | undefined;
}

/**
 * The keys of an etcd cluster: bytes to bytes.
 *
 * Reads fall back to the next member. A write is sent once: when its outcome is unknown it throws
 * `ETCD_OUTCOME_UNKNOWN`, and the caller reads the key to decide.
 */
export interface EtcdKv {
  /** The key, or `undefined` when it does not exist. */
  get(key: Uint8Array, options?: ReadOptions): Promise<KeyValue | undefined>;
  /**
   * One request, one response, in memory as a whole.
   * @throws EtcdError `ETCD_COMPACTED` `ETCD_NO_QUORUM` `ETCD_TOO_LARGE` when the response is over 256 MiB, and the
   * failures of the connection
   */
  range(request: RangeRequest): Promise<RangeResult>;
  /**
   * Every key that begins with `prefix`, sorted and from one revision, a few MiB at a time. At least one batch, possibly
   * empty.
   *
   * Reads ahead; leaving the loop stops the requests.
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
 * The first key after all keys that begin with `prefix`, for the `end` of a range.
 *
 * For an empty prefix or one of 0xff bytes only: a single zero byte, which etcd reads as "to the end".
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last === -1) return Uint8Array.of(0);
  // A copy; `slice` of a Buffer would share its memory.
  const end = Uint8Array.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
