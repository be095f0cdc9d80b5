import { describe, it } from 'vitest';
import { CA_TIMEOUT_MS, expectReissue } from '../ca-expired.fixture.ts';

describe('a cluster with an expired CA of etcd or of the front proxy and its key on the node', () => {
  it.each(['etcd-ca-expired', 'front-proxy-ca-expired'])(
    'is down, and is recovered by reissuing the CA with its own key (%s)',
    (scenario) => expectReissue(scenario, '1.20'),
    CA_TIMEOUT_MS,
  );
});
