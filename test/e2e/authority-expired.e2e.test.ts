import { describe, expect, it } from 'vitest';
import { runCli } from '../../apps/cli/src/cli-process.fixture.ts';
import { assertNoTraces } from './lab-traces.fixture.ts';

interface DrillDocument {
  readonly ok: boolean;
  readonly result?: {
    readonly scenario: string;
    readonly proofs: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
    readonly recovery: { readonly secondsToReadyApi: number; readonly runId: string };
  };
}

/** What a drill must have proven, by the word before the colon. */
const KINDS = ['death', 'recover', 'life', 'backup', 'second-recover', 'rollback', 'recover-again', 'life-again'];
const LIFE = [
  'a pod talks to the API with its service account token and CA',
  'every service account and namespace is handed the present certificate of the CA',
  'kubectl get --raw /apis answers, and every APIService is available',
  'openssl verifies every leaf certificate strictly against its CA',
  'a request with the front proxy certificate is accepted',
];
const TIMEOUT_MS = 5 * 60_000;

assertNoTraces();

describe('a cluster with an expired CA whose key is on the node', () => {
  it.each(['ca-expired', 'etcd-ca-expired', 'front-proxy-ca-expired'])(
    'is dead, and comes back by issuing the CA anew with its own key (%s)',
    async (scenario) => {
      const ended = await runCli(['drill', '--json', '--scenario', scenario]);
      const document = JSON.parse(ended.stdout) as DrillDocument;
      const proofs = document.result?.proofs ?? [];
      expect(
        proofs.filter(({ ok }) => !ok),
        ended.stderr.slice(-4000),
      ).toEqual([]);
      expect({ ok: document.ok, exitCode: ended.exitCode }).toEqual({ ok: true, exitCode: 0 });
      expect(document.result?.scenario).toBe(scenario);
      expect([...new Set(proofs.map(({ name }) => name.split(':')[0]))]).toEqual(KINDS);
      const names = proofs.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(LIFE.map((name) => `life: ${name}`)));
      expect(document.result?.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
    },
    TIMEOUT_MS,
  );
});
