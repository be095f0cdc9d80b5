import { expect } from 'vitest';
import { drill } from './drill.fixture.ts';

/** The proofs of a drill, by the word before the colon. */
export const SATURDAY_KINDS = ['death', 'recover', 'life', 'names', 'backup', 'second-recover', 'secrecy'];
export const SATURDAY_TIMEOUT_MS = 30 * 60_000;

/** Replays the incident on a cluster of its own with these arguments of the drill; its proofs are of exactly these kinds. */
export async function expectSaturday(kinds: readonly string[], args: readonly string[]): Promise<void> {
  const { result, kinds: proven, progress } = await drill('--scenario', 'saturday', ...args);
  expect(result.scenario).toBe('saturday');
  expect(proven).toEqual(kinds);
  const { secondsToUsableApi, secondsToWorkloads, secondsToService, seconds } = result.recovery;
  expect(secondsToUsableApi).toBeGreaterThan(0);
  expect(secondsToWorkloads).toBeGreaterThan(0);
  // Without new keys the name is left broken, and reported.
  if (!args.includes('--no-aws-keys')) expect(secondsToService).toBeGreaterThan(0);
  expect(seconds).toBeGreaterThan(secondsToUsableApi);
  expect(result.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
  expect(progress).toContain('TIMELINE');
}
