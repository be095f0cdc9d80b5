import { isUnanswered } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';

/** How long a store that went away may take to come back. */
export interface RetryOptions {
  readonly clock: Clock;
  /** For one change, in ms; 0 waits for nothing. Default: 30000, longer than a restart of etcd takes. */
  readonly patienceMs?: number | undefined;
}

/** Makes an attempt again until it is answered, or patience is at its end. */
export type RetryWhileUnavailable = <T>(attempt: () => Promise<T>) => Promise<T>;

const PATIENCE_MS = 30_000;
const PAUSE_MS = 250;

/**
 * Waits for a store that went away, as etcd does when it restarts. Once waiting was in vain, nobody waits again before the
 * store has answered: taking back a thousand changes does not take a thousand times as long.
 *
 * The attempt must be one that may be made twice.
 */
export function createRetry({ clock, patienceMs = PATIENCE_MS }: RetryOptions): RetryWhileUnavailable {
  let isAtItsEnd = false;
  return async (attempt) => {
    const until = clock.now().getTime() + patienceMs;
    for (;;) {
      try {
        const answer = await attempt();
        isAtItsEnd = false;
        return answer;
      } catch (error) {
        // What became of a write is found out by the next attempt, which reads before it writes.
        if (isAtItsEnd || !isUnanswered(error)) throw error;
        isAtItsEnd = clock.now().getTime() >= until;
        if (isAtItsEnd) throw error;
      }
      await clock.sleep(PAUSE_MS);
    }
  };
}
