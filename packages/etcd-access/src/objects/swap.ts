import { EtcdError } from '../errors.ts';
import type { EtcdKv, SwapRequest, SwapResult } from '../client/kv.ts';

/** Attempts while the outcome of the write is unknown. */
const ATTEMPTS = 3;

/**
 * Writes by compare-and-swap; when the connection is lost, reads the key to resolve the outcome.
 *
 * Repeating the same swap is safe: it can succeed only once, because its success changes the compared revision.
 * @throws EtcdError `ETCD_OUTCOME_UNKNOWN` when another client wrote in between, so that this write may have come first, or
 * when etcd does not respond any more
 */
export async function swapResolved(
  kv: Pick<EtcdKv, 'get' | 'compareAndSwap'>,
  request: SwapRequest,
): Promise<SwapResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await kv.compareAndSwap(request);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== 'ETCD_OUTCOME_UNKNOWN' || attempt === ATTEMPTS) throw error;
      const current = await kv.get(request.key, { signal: request.signal }).catch(() => {
        throw error;
      });
      if (current !== undefined && Buffer.from(current.value).equals(request.value)) {
        return { succeeded: true, revision: current.modRevision, current: undefined };
      }
      if ((current?.modRevision ?? 0n) !== request.modRevision) throw error;
    }
  }
}
