import { describe, expect, it } from 'vitest';
import { drill } from './drill.fixture.ts';

/** The proofs of a drill, by the word before the colon. */
const KINDS = ['death', 'recover', 'life', 'backup', 'second-recover', 'rollback', 'recover-again', 'life-again'];
const LIFE = [
  'a pod reaches the API with its service account token and CA',
  'every service account and namespace has the current CA certificate',
  'kubectl get --raw /apis answers, and every APIService is available',
  'openssl verifies every leaf certificate strictly against its CA',
  'a request with the front proxy certificate is accepted',
];
const TIMEOUT_MS = 10 * 60_000;

describe('a cluster with an expired CA and its key on the node', () => {
  it.each(['ca-expired', 'etcd-ca-expired', 'front-proxy-ca-expired'])(
    'is down, and is recovered by reissuing the CA with its own key (%s)',
    async (scenario) => {
      const { result, names, kinds } = await drill('--scenario', scenario);
      expect(result.scenario).toBe(scenario);
      expect(kinds).toEqual(KINDS);
      expect(names).toEqual(expect.arrayContaining(LIFE.map((name) => `life: ${name}`)));
      expect(result.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
    },
    TIMEOUT_MS,
  );
});
