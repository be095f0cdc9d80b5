import { describe, expect, it } from 'vitest';
import { createFixedClock } from './fixed-clock.ts';

describe('a fixed clock', () => {
  it('moves only by sleep and advance', async () => {
    const clock = createFixedClock('2026-01-02T03:04:05Z');
    await clock.sleep(1500);
    clock.advance(500);
    expect(clock.now()).toEqual(new Date('2026-01-02T03:04:07Z'));
    expect(clock.now()).not.toBe(clock.now());
  });

  it('rejects with the reason of the signal', async () => {
    const clock = createFixedClock('2026-01-02T03:04:05Z');
    await expect(clock.sleep(1, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    expect(clock.now()).toEqual(new Date('2026-01-02T03:04:05Z'));
  });
});
