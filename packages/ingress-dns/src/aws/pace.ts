import type { Clock } from '@kube-rescue/host';

/** Lets requests through no faster than allowed, in the order in which they came. */
export interface Pace {
  /** Resolves when the next request may be made. */
  take(signal?: AbortSignal): Promise<void>;
}

const WINDOW_MS = 1000;

/** At most `perSecond` in any second, the first ones at once. */
export function createPace(perSecond: number, clock: Clock): Pace {
  let starts: readonly number[] = [];
  let queue: Promise<void> = Promise.resolve();
  const wait = async (signal?: AbortSignal): Promise<void> => {
    for (;;) {
      const now = clock.now().getTime();
      starts = starts.filter((start) => now - start <= WINDOW_MS);
      const [oldest] = starts;
      if (starts.length < perSecond || oldest === undefined) {
        starts = [...starts, now];
        return;
      }
      await clock.sleep(oldest + WINDOW_MS + 1 - now, signal);
    }
  };
  return {
    take: (signal) => {
      const turn = queue.then(() => wait(signal));
      // Who gives up does not hold up those behind.
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}
