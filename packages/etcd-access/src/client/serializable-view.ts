import { EtcdError } from '../errors.ts';
import type { EtcdKv } from './kv.ts';

/**
 * Serializable reads from single members, for a cluster without quorum. Results may be stale; every write is refused
 * with `ETCD_NO_QUORUM`.
 */
export function serializableView(kv: EtcdKv): EtcdKv {
  const refuse = async (): Promise<never> => {
    throw new EtcdError({
      code: 'ETCD_NO_QUORUM',
      message: 'cannot write: etcd has no quorum, so the values read may be stale',
      subject: 'the cluster',
      hint: 'restore enough members for a majority',
    });
  };
  return {
    get: (key, options) => kv.get(key, { ...options, serializable: true }),
    range: (request) => kv.range({ ...request, serializable: true }),
    list: (prefix, options) => kv.list(prefix, { ...options, serializable: true }),
    compareAndSwap: refuse,
    compareAndDelete: refuse,
  };
}
