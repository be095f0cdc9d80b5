import type { Clock } from '@kube-rescue/host';

/** A clock that moves only by `advance` and `sleep`. */
export interface FixedClock extends Clock {
  advance(ms: number): void;
}

/**
 * Creates a clock that stands at `start`. `sleep` advances it and returns at once.
 *
 * @param start ISO 8601 text or a date
 */
export function createFixedClock(start: Date | string): FixedClock {
  let nowMs = new Date(start).getTime();
  return {
    now: () => new Date(nowMs),
    advance: (ms) => {
      nowMs += ms;
    },
    // One turn of the event loop, so that a loop that only sleeps does not starve others.
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}
