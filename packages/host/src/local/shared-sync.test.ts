import { describe, expect, it } from 'vitest';
import { createSharedSync } from './shared-sync.ts';

interface Begun {
  readonly directory: string;
  readonly end: (error?: Error) => void;
}

function syncByHand(): { readonly begun: Begun[]; readonly sync: (directory: string) => Promise<void> } {
  const begun: Begun[] = [];
  const sync = (directory: string): Promise<void> =>
    new Promise((resolve, reject) => {
      begun.push({ directory, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  return { begun, sync };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a sync of a directory', () => {
  it('is shared by callers before its start, and not by later ones', async () => {
    const { begun, sync } = syncByHand();
    const shared = createSharedSync(sync);
    const ended: string[] = [];
    const ask = async (name: string): Promise<void> => {
      await shared('/a');
      ended.push(name);
    };
    const early = [ask('first'), ask('second')];
    await soon();
    const late = [ask('third'), ask('fourth')];
    await soon();
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await Promise.all(early);
    await soon();
    expect(ended).toEqual(['first', 'second']);
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    await Promise.all(late);
    expect(begun).toHaveLength(2);
  });

  it('does not wait for that of another directory, and fails only for its own callers', async () => {
    const { begun, sync } = syncByHand();
    const shared = createSharedSync(sync);
    const failing = [shared('/a'), shared('/a')];
    const other = shared('/b');
    await soon();
    const next = shared('/a');
    expect(begun.map(({ directory }) => directory)).toEqual(['/a', '/b']);
    begun[0]?.end(new Error('EIO'));
    begun[1]?.end();
    await expect(failing[0]).rejects.toThrow('EIO');
    await expect(failing[1]).rejects.toThrow('EIO');
    await other;
    await soon();
    begun[2]?.end();
    await next;
  });
});
