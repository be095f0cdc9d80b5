import type { HostLock } from '@kube-rescue/host';
import { type FakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { rollbackRun } from '../index.ts';
import { A, B, demoDeps, demoHost, demoRun, demoStep, textAt } from './demo-run.fixture.ts';

/** A host whose lock is lost as soon as `loses` says so. */
function losing(host: FakeHost, loses: () => boolean): FakeHost {
  const acquireLock: FakeHost['acquireLock'] = async (...input) => {
    const lock: HostLock = await host.acquireLock(...input);
    return { ...lock, isHeld: async () => !loses() && lock.isHeld() };
  };
  return { ...host, acquireLock };
}

describe('a run whose lock another process removes', () => {
  it('stops before its next write, keeps what is complete, and names the lost lock', async () => {
    const real = demoHost();
    let isLost = false;
    const host = losing(real, () => isLost);
    const first = demoStep(
      host,
      'first',
      { [A]: 'new a' },
      {
        verify: async () => {
          isLost = true;
          return { verified: true, evidence: [] };
        },
      },
    );
    const second = demoStep(host, 'second', { [B]: 'new b' });
    await expect(demoRun(host, [first, second])).rejects.toMatchObject({
      code: 'LOCK_LOST',
      kind: 'interrupted',
      message: expect.stringContaining('stopped between two steps'),
    });
    expect([await textAt(host, A), await textAt(host, B)]).toEqual(['new a', 'old b']);
    isLost = false;
    const { outcome } = await demoRun(host, [first, second], { resume: true });
    expect([outcome, await textAt(host, B)]).toEqual(['done', 'new b']);
  });

  it('undoes the step that was under way, and nothing else', async () => {
    const real = demoHost();
    let isLost = false;
    const host = losing(real, () => isLost);
    const step = demoStep(
      host,
      'both',
      {},
      {
        check: async () => ({ status: 'needed', summary: 'both', evidence: [] }),
        apply: async (_changes, journal) => {
          const edits = demoStep(host, 'a', { [A]: 'new a' });
          await edits.check(new AbortController().signal);
          await edits.apply([], journal, new AbortController().signal);
          isLost = true;
          const more = demoStep(host, 'b', { [B]: 'new b' });
          await more.check(new AbortController().signal);
          await more.apply([], journal, new AbortController().signal);
        },
      },
    );
    await expect(demoRun(host, [step])).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect([await textAt(host, A), await textAt(host, B)]).toEqual(['old a', 'old b']);
  });

  it('changes nothing when it is lost while the operator is asked', async () => {
    const real = demoHost();
    let isLost = false;
    const host = losing(real, () => isLost);
    const confirm = async (): Promise<boolean> => (isLost = true);
    await expect(demoRun(host, [demoStep(host, 'first', { [A]: 'new a' })], { confirm })).rejects.toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringContaining('nothing was changed'),
    });
    expect(await textAt(host, A)).toBe('old a');
    expect(await demoDeps(host).store.list()).toEqual([]);
  });

  it('is not rolled back further', async () => {
    const real = demoHost();
    const { runId } = await demoRun(real, [demoStep(real, 'first', { [A]: 'new a', [B]: 'new b' })]);
    const host = losing(real, () => true);
    const { undone, notReverted } = await rollbackRun(runId ?? '', demoDeps(host));
    expect([undone, notReverted.length]).toEqual([0, 2]);
    expect(notReverted[0]?.reason).toContain('LOCK_LOST');
    expect([await textAt(host, A), await textAt(host, B)]).toEqual(['new a', 'new b']);
  });
});
