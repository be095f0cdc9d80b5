import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from './concurrency.ts';

describe('concurrent work', () => {
  it('returns results in the order of the items, and never exceeds the limit', async () => {
    let underWay = 0;
    let most = 0;
    const answers = await mapConcurrent([30, 10, 20, 1, 5], 2, async (ms) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(ms);
      underWay -= 1;
      return ms * 2;
    });
    expect(answers).toEqual([60, 20, 40, 2, 10]);
    expect(most).toBe(2);
  });

  it('starts nothing after a failure, waits for running work, and throws the error of the first failed item', async () => {
    const begun: string[] = [];
    const ended: string[] = [];
    const work = mapConcurrent(['slow and bad', 'bad', 'good', 'never'], 3, async (item) => {
      begun.push(item);
      await sleep(item === 'bad' ? 1 : 20);
      ended.push(item);
      if (item.endsWith('bad')) throw new Error(item);
    });
    await expect(work).rejects.toThrow('slow and bad');
    expect(begun).toEqual(['slow and bad', 'bad', 'good']);
    expect(ended).toHaveLength(3);
  });
});
