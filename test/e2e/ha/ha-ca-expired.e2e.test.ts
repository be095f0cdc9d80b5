import { describe, expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

describe('three control planes whose CAs and certificates have all expired', () => {
  it('get CAs that are issued once, and recover on all nodes at the same time', async () => {
    const { names, kinds } = await drill('--scenario', 'ha-ca-expired', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'cas', 'recover', 'life', 'second-recover']);
    expect(names).toEqual(
      expect.arrayContaining([
        'death: cp3: every CA has expired',
        'cas: kube-rescue recover without them is refused, and names the commands',
        'cas: the directory holds three certificates and no key',
        'life: every node has the same new etcd/ca.crt',
        'life: cluster-info holds the CA of the nodes',
        'life: the API answers at api.lab and goes on to answer',
      ]),
    );
  });
});
