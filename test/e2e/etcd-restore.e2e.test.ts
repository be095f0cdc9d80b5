import { describe, expect, it } from 'vitest';
import { drill } from './drill.fixture.ts';

describe('an etcd whose data directory is damaged', () => {
  it('is restored from a snapshot, rolled back, and restored again', async () => {
    const { result, names, kinds } = await drill('--scenario', 'etcd-restore', '--kubernetes', '1.37');
    expect(kinds).toEqual(['death', 'recover', 'life', 'second-recover', 'rollback', 'recover-again', 'life-again']);
    expect(names).toContain('life: what was written before the snapshot is there, what was written after it is gone');
    expect(names).toContain('rollback: every byte is as it was');
    expect(result.recovery.secondsToUsableApi).toBeGreaterThan(0);
  });
});
