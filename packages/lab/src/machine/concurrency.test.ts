import { createLocalHost, systemClock } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { runTogether } from './concurrency.ts';

const deps = { host: createLocalHost(), clock: systemClock };

describe('tasks that run side by side', () => {
  it('end together with all their results, in order', async () => {
    expect(await runTogether(deps, [async () => 1, async () => 2])).toEqual([1, 2]);
  });

  it('are aborted by the first failure, which is told only when every one of them has ended', async () => {
    const ended: string[] = [];
    const slow = runTogether(deps, [
      async ({ clock, signal }) => {
        await clock.sleep(60_000, signal).catch(() => undefined);
        ended.push('slow');
      },
      async () => {
        throw new Error('first');
      },
    ]);
    await expect(slow).rejects.toThrow('first');
    expect(ended).toEqual(['slow']);
  });

  it('are aborted from outside', async () => {
    const signal = AbortSignal.abort(new Error('interrupted'));
    const work = runTogether({ ...deps, signal }, [({ clock, signal: inner }) => clock.sleep(60_000, inner)]);
    await expect(work).rejects.toThrow();
  });
});
