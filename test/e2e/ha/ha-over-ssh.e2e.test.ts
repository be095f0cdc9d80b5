import { describe, expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

describe('three control planes, recovered from one machine over SSH', () => {
  it('are recovered by one command, which leaves no program on them', async () => {
    const { result, names, kinds } = await drill('--scenario', 'ha-expired', '--over-ssh', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'recover', 'life', 'second-recover']);
    expect(names).toEqual(
      expect.arrayContaining([
        'recover: cp3: no carried program is left',
        'life: etcd has 3 members, each a started voter',
        'life: the API answers at api.lab and goes on to answer',
        'second-recover: cp1: no carried program is left',
      ]),
    );
    expect(result.recovery.secondsToUsableApi).toBeGreaterThan(0);
  });
});
