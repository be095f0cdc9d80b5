import { EtcdError } from '../errors.ts';
import type { EtcdKv, SwapRequest, SwapResult } from '../client/kv.ts';

/** Times that a write whose outcome is not known is looked after. */
const ATTEMPTS = 3;

/**
 * Writes by compare-and-swap and, when the connection is lost on the way, finds out by reading what became of it.
 *
 * Making the same swap again is safe: it can succeed once only, because its success changes the revision that it compares.
 * @throws EtcdError `ETCD_OUTCOME_UNKNOWN` when somebody else wrote in between, so that ours may have come before theirs, or
 * when etcd does not answer any more
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
