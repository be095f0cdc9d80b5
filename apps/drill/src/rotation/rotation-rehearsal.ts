import type { Cluster, LabDeps, Proof } from '@kube-rescue/lab';
import type { Stopwatch } from '../stopwatch.ts';

export interface RotationRehearsal {
  readonly cluster: Cluster;
  readonly lab: typeof import('@kube-rescue/lab');
  readonly deps: LabDeps & { readonly signal: AbortSignal };
  readonly watch: Stopwatch;
  readonly proofs: Proof[];
  readonly rescue: RescueWithPower;
}
import type { RescueAnswer } from '../rescue-command.ts';

export interface RescueWithPower {
  (...args: readonly string[]): Promise<RescueAnswer>;
  /** Runs a command, and kills it when `power` is aborted. */
  until(power: AbortSignal, ...args: readonly string[]): Promise<RescueAnswer>;
}
