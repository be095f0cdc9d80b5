import { Session } from 'node:inspector/promises';

/** Tells whether code ran that had never run before, so that inputs that reach it are kept and changed further. */
export interface CoverageWatch {
  /** How many places have run that had not, since this was asked last. */
  news(): Promise<number>;
  readonly places: number;
  stop(): Promise<void>;
}

/** Watches the blocks of the scripts below `directory`, by V8's own counters. */
export async function watchCoverage(directory: string): Promise<CoverageWatch> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const seen = new Set<string>();
  return {
    news: async () => {
      const before = seen.size;
      const { result } = await session.post('Profiler.takePreciseCoverage');
      for (const { url, scriptId, functions } of result) {
        if (!url.includes(directory)) continue;
        for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
          if (count > 0) seen.add(`${scriptId}:${startOffset}:${endOffset}`);
        }
      }
      return seen.size - before;
    },
    get places() {
      return seen.size;
    },
    stop: async () => {
      await session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}
