import { describe, expect, it } from 'vitest';
import { systemClock } from './system-clock.ts';

describe("the machine's clock", () => {
  it('goes on while one sleeps', async () => {
    const before = systemClock.now();
    await systemClock.sleep(20);
    expect(systemClock.now().getTime() - before.getTime()).toBeGreaterThanOrEqual(19);
  });

  it('wakes with the reason when it is stopped', async () => {
    const stop = new AbortController();
    const asleep = systemClock.sleep(60_000, stop.signal);
    stop.abort(new Error('stopped by the operator'));
    await expect(asleep).rejects.toThrow('stopped by the operator');
  });
});
