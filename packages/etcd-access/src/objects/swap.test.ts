import { describe, expect, it } from 'vitest';
import { EtcdError } from '../errors.ts';
import type { SwapRequest, SwapResult } from '../client/kv.ts';
import { createMemoryKv } from './memory-kv.fixture.ts';
import { swapResolved } from './swap.ts';

const key = Buffer.from('/registry/secrets/default/a');

/** Loses the connection during the first `lost` writes; `landed`: whether they were made nevertheless. */
function losing(lost: number, landed: boolean, meanwhile: () => Promise<unknown> = async () => undefined) {
  const kv = createMemoryKv();
  kv.plant(key.toString(), 'old');
  let calls = 0;
  return {
    kv,
    store: {
      get: kv.get,
      compareAndSwap: async (request: SwapRequest): Promise<SwapResult> => {
        calls += 1;
        if (calls > lost) return kv.compareAndSwap(request);
        if (landed) await kv.compareAndSwap(request);
        await meanwhile();
        throw new EtcdError({ code: 'ETCD_OUTCOME_UNKNOWN', message: 'interrupted', subject: 'etcd', hint: 'read' });
      },
    },
    request: async (): Promise<SwapRequest> => {
      return { key, modRevision: (await kv.get(key))?.modRevision ?? 0n, value: Buffer.from('new') };
    },
  };
}

describe('a write whose connection was lost', () => {
  it('is recognised as made', async () => {
    const { kv, store, request } = losing(1, true);
    expect(await swapResolved(store, await request())).toMatchObject({ succeeded: true });
    expect(Buffer.from(kv.valueOf(key.toString()) ?? []).toString()).toBe('new');
  });

  it('is repeated when it was not made', async () => {
    const { kv, store, request } = losing(2, false);
    expect(await swapResolved(store, await request())).toMatchObject({ succeeded: true });
    expect(Buffer.from(kv.valueOf(key.toString()) ?? []).toString()).toBe('new');
  });

  it.each([true, false])('stays unknown when another client wrote meanwhile (ours made: %j)', async (landed) => {
    const made = losing(1, landed, async () => made.kv.plant(key.toString(), 'theirs'));
    await expect(swapResolved(made.store, await made.request())).rejects.toMatchObject({
      code: 'ETCD_OUTCOME_UNKNOWN',
    });
    expect(Buffer.from(made.kv.valueOf(key.toString()) ?? []).toString()).toBe('theirs');
  });

  it('stays unknown when etcd stays unavailable', async () => {
    const { store, request } = losing(99, false);
    await expect(swapResolved(store, await request())).rejects.toMatchObject({ code: 'ETCD_OUTCOME_UNKNOWN' });
  });
});
