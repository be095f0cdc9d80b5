import { describe, it } from 'vitest';
import { CA_TIMEOUT_MS, expectReissue } from './ca-expired.fixture.ts';
import { NEWEST } from './drill.fixture.ts';

describe('a cluster with an expired CA and its key on the node', () => {
  it.each(['1.20', NEWEST])(
    'is down, and is recovered by reissuing the CA with its own key (Kubernetes %s)',
    (kubernetes) => expectReissue('ca-expired', kubernetes),
    CA_TIMEOUT_MS,
  );
});
