import type { Clock } from '@kube-rescue/host';

/** A clock that moves only when it is told to, or when somebody sleeps on it. */
export interface FixedClock extends Clock {
  advance(ms: number): void;
}

/**
 * A clock that stands at `start`. Whoever sleeps on it moves it on and is woken at once.
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
    // A turn of the event loop, so that a loop which only sleeps still lets others run.
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}
