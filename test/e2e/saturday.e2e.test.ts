import { describe, expect, it } from 'vitest';
import { drill } from './drill.fixture.ts';

/** The proofs of a drill, by the word before the colon. */
const KINDS = ['death', 'recover', 'life', 'names', 'backup', 'second-recover', 'secrecy'];
const TIMEOUT_MS = 30 * 60_000;

/** Each case has a separate cluster; only one includes the trap and the long watch. */
const CASES: readonly (readonly [title: string, kinds: readonly string[], args: readonly string[]])[] = [
  [
    'through etcd, with encrypted Secrets, with the trap, without new AWS keys',
    ['death', 'trap', ...KINDS.slice(1)],
    ['--encrypted', '--no-aws-keys'],
  ],
  ['through the API server', KINDS, ['--via', 'api', '--no-trap', '--stable-for', '60']],
  ['beside pods that did not die', KINDS, ['--pods-alive', '--stable-for', '60']],
];

describe('the Saturday incident', () => {
  it.each(CASES)(
    'is replayed and recovered by one command %s, and leaves nothing behind',
    async (_title, kinds, args) => {
      const { result, kinds: proven, progress } = await drill('--scenario', 'saturday', ...args);
      expect(result.scenario).toBe('saturday');
      expect(proven).toEqual(kinds);
      expect(result.recovery.secondsToReadyApi).toBeGreaterThan(0);
      expect(result.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
      expect(progress).toContain('TIMELINE');
    },
    TIMEOUT_MS,
  );
});
