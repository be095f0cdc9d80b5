import type { Clock } from '@kube-rescue/host';

/** Lets requests through no faster than allowed, in the order in which they came. */
export interface RateLimiter {
  /** Resolves when the next request may be made. */
  take(): Promise<void>;
}

const MS_PER_SECOND = 1000;

/**
 * At most `perSecond`, evenly: bursts that are allowed here could arrive closer together than they were sent.
 */
export function createRateLimiter(perSecond: number, clock: Clock): RateLimiter {
  const gapMs = MS_PER_SECOND / perSecond;
  let nextAt = -Infinity;
  return {
    take: async () => {
      const now = clock.now().getTime();
      const at = Math.max(now, nextAt);
      nextAt = at + gapMs;
      if (at > now) await clock.sleep(at - now);
    },
  };
}
