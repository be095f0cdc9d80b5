import { describe, expect, it } from 'vitest';
import { KUBERNETES } from '../../../apps/drill/src/scenarios.ts';
import { expectReissue } from '../ca-expired.fixture.ts';
import { drill } from '../drill.fixture.ts';

/** A first build included. */
const TIMEOUT_MS = 90 * 60_000;

describe.each(KUBERNETES)('a cluster of Kubernetes %s', (kubernetes) => {
  it.each(['rsa', 'ecdsa'])(
    'is recovered after every certificate with an %s key has expired',
    async (algorithm) => {
      const { result, kinds } = await drill('--algorithm', algorithm, '--kubernetes', kubernetes);
      expect(result.kubernetes).toMatch(new RegExp(`^v${kubernetes}\\.`));
      expect(kinds.at(-1)).toBe('life-again');
    },
    TIMEOUT_MS,
  );

  it('is recovered after its CA has expired', () => expectReissue('ca-expired', kubernetes), TIMEOUT_MS);
});
