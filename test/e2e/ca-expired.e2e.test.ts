import { describe, it } from 'vitest';
import { CA_TIMEOUT_MS, expectReissue } from './ca-expired.fixture.ts';

describe('a cluster with an expired CA and its key on the node', () => {
  it(
    'is down, and is recovered by reissuing the CA with its own key',
    () => expectReissue('ca-expired', '1.37'),
    CA_TIMEOUT_MS,
  );
});
