import { Session } from 'node:inspector/promises';

/** Detects newly reached code, so that the inputs that reach it are kept and mutated further. */
export interface CoverageWatch {
  /** The number of code blocks reached for the first time since the last call. */
  news(): Promise<number>;
  readonly blocks: number;
  stop(): Promise<void>;
}

/** Counts the executed blocks of the scripts below `directory`, by V8's coverage. */
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
    get blocks() {
      return seen.size;
    },
    stop: async () => {
      await session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}
