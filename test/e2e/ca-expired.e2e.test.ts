import { describe, expect, it } from 'vitest';
import { drill } from './drill.fixture.ts';

/** What a drill must have proven, by the word before the colon. */
const KINDS = ['death', 'recover', 'life', 'backup', 'second-recover', 'rollback', 'recover-again', 'life-again'];
const LIFE = [
  'a pod talks to the API with its service account token and CA',
  'every service account and namespace is handed the present certificate of the CA',
  'kubectl get --raw /apis answers, and every APIService is available',
  'openssl verifies every leaf certificate strictly against its CA',
  'a request with the front proxy certificate is accepted',
];
const TIMEOUT_MS = 10 * 60_000;

describe('a cluster with an expired CA whose key is on the node', () => {
  it.each(['ca-expired', 'etcd-ca-expired', 'front-proxy-ca-expired'])(
    'is dead, and comes back by issuing the CA anew with its own key (%s)',
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
