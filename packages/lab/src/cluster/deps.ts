import type { Clock, Host } from '@kube-rescue/host';

/** What a long function of the lab is doing, for a person who watches. */
export interface LabProgress {
  /** Stable name of the phase, for example `build` or `control-plane`. */
  readonly phase: string;
  /** One line in lower case, without secrets. */
  readonly message: string;
}

/** What every function of the lab that acts on the machine is given. */
export interface LabDeps {
  /** The live machine that the lab runs on. */
  readonly host: Host;
  readonly clock: Clock;
  /** Called with each line of progress. Default: nobody is told. */
  readonly onProgress?: ((progress: LabProgress) => void) | undefined;
  /** Ends the work at once; whatever it had started is removed again. Default: it runs to its end. */
  readonly signal?: AbortSignal | undefined;
}

/** Whole seconds between `since` and now. */
export function secondsSince(clock: Clock, since: Date): number {
  return Math.round((clock.now().getTime() - since.getTime()) / 1000);
}
