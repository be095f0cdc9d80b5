import { describe, expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

describe('three control planes, recovered from one machine over SSH', () => {
  it('are recovered by one command, which leaves no program on them', async () => {
    const { result, names, kinds } = await drill('--scenario', 'ha-expired', '--over-ssh', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'recover', 'life', 'second-recover']);
    expect(names).toEqual(
      expect.arrayContaining([
        'recover: cp3: nothing carried is left',
        'life: etcd has 3 members, each a started voter',
        'life: the API answers at api.lab and goes on to answer',
        'second-recover: cp1: nothing carried is left',
      ]),
    );
    expect(result.recovery.secondsToUsableApi).toBeGreaterThan(0);
  });

  it('get CAs that it issues once where every CA has expired', async () => {
    const { names, kinds } = await drill('--scenario', 'ha-ca-expired', '--over-ssh', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'recover', 'life', 'second-recover']);
    expect(names).toEqual(
      expect.arrayContaining([
        'death: cp3: every CA has expired',
        'recover: cp3: nothing carried is left',
        'life: every node has the same new etcd/ca.crt',
        'life: cluster-info holds the CA of the nodes',
        'life: the API answers at api.lab and goes on to answer',
      ]),
    );
  });
});
