import type { Clock } from '@kube-rescue/host';

/** Limits the rate of requests and keeps their order. */
export interface RateLimiter {
  /** Resolves when the next request may be made. */
  take(): Promise<void>;
}

const MS_PER_SECOND = 1000;

/**
 * Allows `perSecond` requests at even intervals: a burst could arrive at AWS faster than it was sent.
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
