import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';

/** How long a store that went away may take to come back. */
export interface RetryOptions {
  readonly clock: Clock;
  /** For one change, in ms; 0 waits for nothing. Default: 30000, longer than a restart of etcd takes. */
  readonly patienceMs?: number | undefined;
}

/** Makes an attempt again until it is answered, or patience is at its end. */
export type RetryWhileUnavailable = <T>(attempt: () => Promise<T>) => Promise<T>;

/** Nobody answered; what became of a write is found out by the next attempt, which reads before it writes. */
const AWAY = [
  'OBJECT_STORE_UNREACHABLE',
  'OBJECT_OUTCOME_UNKNOWN',
  'ETCD_NO_WAY_IN',
  'ETCD_UNREACHABLE',
  'ETCD_TIMEOUT',
] as const;
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
        if (isAtItsEnd || !isRecoveryError(error, ...AWAY)) throw error;
        isAtItsEnd = clock.now().getTime() >= until;
        if (isAtItsEnd) throw error;
      }
      await clock.sleep(PAUSE_MS);
    }
  };
}
