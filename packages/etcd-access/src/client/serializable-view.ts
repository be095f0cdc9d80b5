import { EtcdError } from '../errors.ts';
import type { EtcdKv } from './kv.ts';

/**
 * The keys as single members have them, for reading while there is no quorum: what it gives may be old, and it writes
 * nothing, at once and with a code, whatever is asked.
 */
export function serializableView(kv: EtcdKv): EtcdKv {
  const refuse = async (): Promise<never> => {
    throw new EtcdError({
      code: 'ETCD_NO_QUORUM',
      message: 'cannot write: what was read may be old, for etcd has no quorum',
      subject: 'the cluster',
      hint: 'bring back enough members for a majority',
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
