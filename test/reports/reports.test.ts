import { triageNode } from '@kube-rescue/diagnosis';
import { describe, expect, it } from 'vitest';
import { KUBELET_FILES } from './kubelet-files.ts';
import { OUTAGES } from './outages.ts';
import { REPORTS } from './reports.ts';

const ALL = [...REPORTS, ...OUTAGES, ...KUBELET_FILES];

describe('public reports', () => {
  it.each(ALL)('$address: $state', async ({ build, code, says, never = [] }) => {
    const { healthy, causes } = await triageNode(await build(), new AbortController().signal);
    expect(healthy).toBe(false);
    const [first] = causes;
    expect(first?.code).toBe(code);
    const words = JSON.stringify(first);
    for (const each of says) expect(words).toContain(each);
    for (const each of never) expect(JSON.stringify(causes)).not.toContain(each);
  });

  it('have an address of their own each', () => {
    expect(new Set(ALL.map(({ address }) => address)).size).toBe(ALL.length);
  });
});
