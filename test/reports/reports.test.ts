import { triageNode } from '@kube-rescue/diagnosis';
import { describe, expect, it } from 'vitest';
import { REPORTS } from './reports.ts';

describe('public reports', () => {
  it.each(REPORTS)('$address: $state', async ({ build, code, says, never = [] }) => {
    const { healthy, causes } = await triageNode(await build(), new AbortController().signal);
    expect(healthy).toBe(false);
    const [first] = causes;
    expect(first?.code).toBe(code);
    const words = JSON.stringify(first);
    for (const each of says) expect(words).toContain(each);
    for (const each of never) expect(JSON.stringify(causes)).not.toContain(each);
  });

  it('have an address of their own each', () => {
    expect(new Set(REPORTS.map(({ address }) => address)).size).toBe(REPORTS.length);
  });
});
