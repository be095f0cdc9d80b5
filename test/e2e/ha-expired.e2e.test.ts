import { describe, expect, it } from 'vitest';
import { drill } from './drill.fixture.ts';

describe('three control planes whose certificates have all expired', () => {
  it('are recovered node by node, each and all together', async () => {
    const { result, names, kinds } = await drill('--scenario', 'ha-expired', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'recover', 'life', 'second-recover']);
    expect(names).toEqual(
      expect.arrayContaining([
        'death: cp3: the kubelet does not start',
        'life: etcd has 3 members, each a started voter',
        'life: exactly one kube-scheduler leads, and renews its lease',
        'life: cp3: every control-plane container is newer than the recovery',
        'life: the API answers at api.lab and goes on to answer',
      ]),
    );
    expect(result.recovery.secondsToUsableApi).toBeGreaterThan(0);
  });
});
