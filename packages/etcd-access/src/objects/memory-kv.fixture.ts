import type { EtcdKv, KeyValue, SwapRequest, SwapResult } from '../client/kv.ts';

/** An in-memory EtcdKv with access to its keys for tests. */
export interface MemoryKv extends Pick<EtcdKv, 'get' | 'list' | 'compareAndSwap' | 'compareAndDelete'> {
  plant(key: string, value: Uint8Array | string): void;
  /** The bytes under a key. */
  valueOf(key: string): Uint8Array | undefined;
}

export function createMemoryKv(): MemoryKv {
  const entries = new Map<string, KeyValue>();
  let revision = 1n;
  const put = (key: Uint8Array, value: Uint8Array): void => {
    revision += 1n;
    entries.set(Buffer.from(key).toString('latin1'), {
      key,
      value,
      createRevision: revision,
      modRevision: revision,
      version: 1n,
      lease: 0n,
    });
  };
  const swap = (request: SwapRequest | Omit<SwapRequest, 'value'>, write: () => void): SwapResult => {
    const current = entries.get(Buffer.from(request.key).toString('latin1'));
    if ((current?.modRevision ?? 0n) !== request.modRevision) return { succeeded: false, revision, current };
    write();
    return { succeeded: true, revision, current: undefined };
  };
  return {
    plant: (key, value) => put(Buffer.from(key), new Uint8Array(Buffer.from(value))),
    valueOf: (key) => entries.get(Buffer.from(key).toString('latin1'))?.value,
    get: async (key) => entries.get(Buffer.from(key).toString('latin1')),
    async *list(prefix) {
      const start = Buffer.from(prefix).toString('latin1');
      const found = [...entries].filter(([key]) => key.startsWith(start)).map(([, entry]) => entry);
      yield { entries: found, revision, total: BigInt(found.length) };
    },
    compareAndSwap: async (request) => swap(request, () => put(request.key, request.value)),
    compareAndDelete: async (request) =>
      swap(request, () => {
        revision += 1n;
        entries.delete(Buffer.from(request.key).toString('latin1'));
      }),
  };
}
