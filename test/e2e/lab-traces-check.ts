import { createLocalHost, systemClock } from '@kube-rescue/host';
import { type LabDeps, removeLabTraces } from '@kube-rescue/lab';

const deps: LabDeps = { host: createLocalHost(), clock: systemClock };

/** Removes orphaned labs before the tests. */
export async function setup(): Promise<void> {
  await removeLabTraces({ kept: false }, deps);
}

/** Fails after the tests if one of them left a lab. */
export async function teardown(): Promise<void> {
  const removed = await removeLabTraces({ kept: false }, deps);
  if (removed.length > 0) throw new Error(`these labs were left behind and have been removed: ${removed.join(', ')}`);
}
