import { isUnanswered } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';

/** How long to retry while a store is unavailable. */
export interface RetryOptions {
  readonly clock: Clock;
  /** For one change, in ms; 0 disables retries. Default: 30000, longer than a restart of etcd. */
  readonly timeoutMs?: number | undefined;
}

/** Repeats an attempt until the store responds, or until the timeout. */
export type RetryWhileUnavailable = <T>(attempt: () => Promise<T>) => Promise<T>;

const TIMEOUT_MS = 30_000;
const PAUSE_MS = 250;

/**
 * Retries while a store is unavailable, as etcd is during a restart. After a timeout there are no further retries until the
 * store has responded: rolling back a thousand changes does not take a thousand timeouts.
 *
 * The attempt must be repeatable.
 */
export function createRetry({ clock, timeoutMs = TIMEOUT_MS }: RetryOptions): RetryWhileUnavailable {
  let hasTimedOut = false;
  return async (attempt) => {
    const until = clock.now().getTime() + timeoutMs;
    for (;;) {
      try {
        const answer = await attempt();
        hasTimedOut = false;
        return answer;
      } catch (error) {
        // The next attempt reads before it writes, which resolves an unknown outcome of a write.
        if (hasTimedOut || !isUnanswered(error)) throw error;
        hasTimedOut = clock.now().getTime() >= until;
        if (hasTimedOut) throw error;
      }
      await clock.sleep(PAUSE_MS);
    }
  };
}
