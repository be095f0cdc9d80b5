import type { LabDeps } from '../machine/lab-deps.ts';

/** A duration and its parts. */
export interface Measurement {
  readonly secondsToReadyApi: number;
  readonly steps: readonly { readonly name: string; readonly seconds: number }[];
}

export interface Stopwatch {
  /** Runs one step and records its duration. */
  time(name: string, step: () => Promise<void>): Promise<void>;
  /** The measurement so far. */
  read(): Measurement;
}

const MS_PER_SECOND = 1000;

export function startStopwatch({ clock, onProgress }: LabDeps, phase: string): Stopwatch {
  const startedAt = clock.now().getTime();
  const since = (ms: number): number => (clock.now().getTime() - ms) / MS_PER_SECOND;
  const steps: { name: string; seconds: number }[] = [];
  return {
    async time(name, step) {
      const before = clock.now().getTime();
      onProgress?.({ phase, message: name });
      await step();
      steps.push({ name, seconds: since(before) });
    },
    read: () => ({ secondsToReadyApi: since(startedAt), steps: [...steps] }),
  };
}
