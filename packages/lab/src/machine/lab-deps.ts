import type { Clock, Host } from '@kube-rescue/host';

/** One progress line of a long function of the lab. */
export interface LabProgress {
  /** Stable name of the phase, for example `build` or `control-plane`. */
  readonly phase: string;
  /** One line in lower case, without secrets. */
  readonly message: string;
}

/** The dependencies of every function that acts on the machine. */
export interface LabDeps {
  /** The live machine that the lab runs on. */
  readonly host: Host;
  readonly clock: Clock;
  /** Called with each line of progress. Default: progress is dropped. */
  readonly onProgress?: ((progress: LabProgress) => void) | undefined;
  /** Aborts the work; everything that it started is removed. Default: no abort. */
  readonly signal?: AbortSignal | undefined;
}

/** Whole seconds between `since` and now. */
export function secondsSince(clock: Clock, since: Date): number {
  return Math.round((clock.now().getTime() - since.getTime()) / 1000);
}
