import { createLocalHost, systemClock } from '@kube-rescue/host';
import { type LabDeps, removeLabTraces } from '@kube-rescue/lab';

const deps: LabDeps = { host: createLocalHost(), clock: systemClock };

/** Begins without what labs that were killed earlier have left on the machine, */
export async function setup(): Promise<void> {
  await removeLabTraces({ kept: false }, deps);
}

/** and ends without any of this run's, of which each test has looked at its own only. */
export async function teardown(): Promise<void> {
  const removed = await removeLabTraces({ kept: false }, deps);
  if (removed.length > 0) throw new Error(`these labs were left behind, and are removed now: ${removed.join(', ')}`);
}
