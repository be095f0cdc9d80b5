import { createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { ObjectError } from '../errors.ts';
import { createRetry } from './retry-while-unavailable.ts';

const START = new Date('2026-11-22T12:00:00Z');

function failing(code: 'OBJECT_STORE_UNREACHABLE' | 'OBJECT_CONFLICT') {
  return new ObjectError({ code, message: 'no answer', subject: 'etcd', hint: 'wait' });
}

describe('an unavailable store', () => {
  it('is retried until it responds', async () => {
    const clock = createFixedClock(START);
    const withRetry = createRetry({ clock });
    const isBack = (): boolean => clock.now().getTime() - START.getTime() >= 5000;
    const ask = async (): Promise<string> => {
      if (!isBack()) throw failing('OBJECT_STORE_UNREACHABLE');
      return 'answer';
    };
    expect(await withRetry(ask)).toBe('answer');
  });

  it('is not retried again after a timeout, until it has responded once', async () => {
    const clock = createFixedClock(START);
    const withRetry = createRetry({ clock, timeoutMs: 1000 });
    const seconds = async (attempt: () => Promise<unknown>): Promise<number> => {
      const began = clock.now().getTime();
      await withRetry(attempt).catch(() => undefined);
      return (clock.now().getTime() - began) / 1000;
    };
    const away = async (): Promise<void> => {
      throw failing('OBJECT_STORE_UNREACHABLE');
    };
    expect([await seconds(away), await seconds(away)]).toEqual([1, 0]);
    expect(await seconds(async () => 'answer')).toBe(0);
    expect(await seconds(away)).toBe(1);
  });

  it('is not retried after a refusal', async () => {
    const clock = createFixedClock(START);
    const refused = createRetry({ clock })(async () => {
      throw failing('OBJECT_CONFLICT');
    });
    await expect(refused).rejects.toMatchObject({ code: 'OBJECT_CONFLICT' });
    expect(clock.now()).toEqual(START);
  });
});
