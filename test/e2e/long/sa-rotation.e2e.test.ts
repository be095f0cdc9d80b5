import { describe, expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

const TOKENS = {
  publish: [
    '/openid/v1/jwks has the old key and a new one',
    'new tokens, requested and of Secrets, are of the old key, and accepted',
    'the tokens of before are accepted',
  ],
  sign: [
    '/openid/v1/jwks has the old key and a new one',
    'new tokens, requested and of Secrets, are of the new key, and accepted',
    'the tokens of before are accepted',
  ],
  drop: [
    '/openid/v1/jwks has the new key alone',
    'new tokens, requested and of Secrets, are of the new key, and accepted',
    'the tokens of before are refused, and the Secret has one of the new key',
  ],
};
const POLLER = 'the pod was refused in no request with its mounted token, and goes on';
const TIMEOUT_MS = 30 * 60_000;

describe('a healthy cluster whose key of service account tokens is rotated', () => {
  it.each(['rsa', 'ecdsa'])(
    'accepts the tokens of running pods in each stage, is rolled back, and refuses the old key at the end (%s)',
    async (algorithm) => {
      const { names } = await drill('--scenario', 'sa-rotation-live', '--algorithm', algorithm, '--kubernetes', '1.37');
      const stages = Object.entries(TOKENS).flatMap(([stage, proofs]) =>
        [...proofs, POLLER].map((name) => `${stage}: ${name}`),
      );
      expect(names).toEqual(expect.arrayContaining(stages));
      expect(names).toEqual(
        expect.arrayContaining([
          'back: rollback undoes it',
          'back: every byte is as it was',
          'refused: certs rotate-sa --stage drop names the pod and the Secret that need the old key',
          'rotate: certs rotate-sa --stage drop once more',
        ]),
      );
    },
    TIMEOUT_MS,
  );
});
