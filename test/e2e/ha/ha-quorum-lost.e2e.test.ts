import { describe, expect, it } from 'vitest';
import { drill } from '../drill.fixture.ts';

describe('three control planes of which two are gone for good', () => {
  it('live on as one, from its own data directory, and a lost member does not come back', async () => {
    const { names, kinds } = await drill('--scenario', 'ha-quorum-lost', '--kubernetes', '1.37');
    expect(kinds).toEqual([
      ...['death', 'refused', 'recover', 'life', 'second-recover', 'rollback'],
      ...['death-again', 'recover-again', 'life-again'],
    ]);
    expect(names).toEqual(
      expect.arrayContaining([
        'death: the member of etcd that is left runs, and has no leader',
        'refused: while one of them is not named',
        'life: etcd has 1 members, each a started voter',
        'life: the last object of before is there',
        'life: every pod of deployment/web runs on this node, and answers',
        'life: the manifest of etcd names this member alone',
        'life: cp1, started again, is a member of another cluster',
        'life: cp1 has not joined',
        'rollback: every byte is as it was',
      ]),
    );
  });
});
