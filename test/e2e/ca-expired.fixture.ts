import { expect } from 'vitest';
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
export const CA_TIMEOUT_MS = 10 * 60_000;

/** Lets a CA of a cluster expire and reissues it with its own key, in the scenario of this name on this Kubernetes. */
export async function expectReissue(scenario: string, kubernetes: string): Promise<void> {
  const { result, names, kinds } = await drill('--scenario', scenario, '--kubernetes', kubernetes);
  expect(result.scenario).toBe(scenario);
  expect(kinds).toEqual(KINDS);
  expect(names).toEqual(expect.arrayContaining(LIFE.map((name) => `life: ${name}`)));
  expect(result.recovery.runId).toMatch(/^\d{8}T\d{6}Z-/);
}
