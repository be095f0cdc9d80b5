import { createLocalHost, systemClock } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { runConcurrently } from './concurrency.ts';

const deps = { host: createLocalHost(), clock: systemClock };

describe('concurrent tasks', () => {
  it('return their results in order', async () => {
    expect(await runConcurrently(deps, [async () => 1, async () => 2])).toEqual([1, 2]);
  });

  it('are aborted by the first failure, which is thrown once all of them have ended', async () => {
    const ended: string[] = [];
    const slow = runConcurrently(deps, [
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

  it('are aborted by the signal of the caller', async () => {
    const signal = AbortSignal.abort(new Error('interrupted'));
    const work = runConcurrently({ ...deps, signal }, [({ clock, signal: inner }) => clock.sleep(60_000, inner)]);
    await expect(work).rejects.toThrow();
  });
});
