import { describe, expect, it } from 'vitest';
import { runCli } from '../../apps/cli/src/cli-process.fixture.ts';
import { assertNoTraces } from './lab-traces.fixture.ts';

interface DrillDocument {
  readonly ok: boolean;
  readonly result?: {
    readonly scenario: string;
    readonly proofs: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
    readonly recovery: { readonly secondsToReadyApi: number; readonly seconds: number; readonly runId: string };
  };
}

/** What a drill must have proven, by the word before the colon. */
const KINDS = ['death', 'recover', 'life', 'names', 'backup', 'second-recover', 'secrecy'];
const TIMEOUT_MS = 30 * 60_000;

assertNoTraces();

/** Each of these is a cluster of its own; the trap and the long watch are for one of them. */
const WAYS: readonly (readonly [title: string, kinds: readonly string[], args: readonly string[]])[] = [
  [
    'in etcd, where Secrets are encrypted, trap and all, without new AWS keys',
    ['death', 'trap', ...KINDS.slice(1)],
    ['--encrypted', '--no-aws-keys'],
  ],
  ['through the API server', KINDS, ['--via', 'api', '--no-trap', '--stable-for', '60']],
];

describe('the Saturday incident', () => {
  it.each(WAYS)(
    'is replayed and recovered by one command %s, and leaves nothing behind',
    async (_title, kinds, args) => {
      const ended = await runCli(['drill', '--json', '--scenario', 'saturday', ...args]);
      const document = JSON.parse(ended.stdout) as DrillDocument;
      const proofs = document.result?.proofs ?? [];
      expect(
        proofs.filter(({ ok }) => !ok),
        ended.stderr.slice(-4000),
      ).toEqual([]);
      expect({ ok: document.ok, exitCode: ended.exitCode }).toEqual({ ok: true, exitCode: 0 });
      expect(document.result?.scenario).toBe('saturday');
      expect([...new Set(proofs.map(({ name }) => name.split(':')[0]))]).toEqual(kinds);
      expect(document.result?.recovery.secondsToReadyApi).toBeGreaterThan(0);
      expect(document.result?.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
      expect(ended.stderr).toContain('TIMELINE');
    },
    TIMEOUT_MS,
  );
});
