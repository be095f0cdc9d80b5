import type { Progress, TimelineEntry } from 'kube-rescue/command-line';
import type { Clock } from '@kube-rescue/host';

/** Measures pieces of work one after the other, and shows each while it runs. */
export interface Stopwatch {
  measure<T>(name: string, action: () => Promise<T>): Promise<T>;
  /** Seconds since the stopwatch was made. */
  total(): number;
  readonly timeline: readonly TimelineEntry[];
}

export function createStopwatch(progress: Progress, clock: Pick<Clock, 'now'>): Stopwatch {
  const timeline: TimelineEntry[] = [];
  const started = clock.now().getTime();
  const since = (ms: number): number => (clock.now().getTime() - ms) / 1000;
  return {
    timeline,
    total: () => since(started),
    measure: async (name, action) => {
      const at = clock.now().getTime();
      progress.begin(name);
      try {
        const result = await action();
        progress.end('done', name);
        return result;
      } catch (error) {
        progress.end('failed', name);
        throw error;
      } finally {
        timeline.push({ name, seconds: since(at) });
      }
    },
  };
}
