import { createFixedClock } from '@kube-rescue/testing';
import { rollbackRun, runPlaybook } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { A, B, demoDeps, demoHost, demoPlaybook, demoStep } from '../../../workflow/src/run/demo-run.fixture.ts';
import { listLaterRuns } from './later-runs.ts';

describe('later runs that block a rollback', () => {
  it('are those with active changes to the same files, newest first', async () => {
    const host = demoHost();
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const deps = { ...demoDeps(host), clock };
    const { store } = deps;
    const { signal } = new AbortController();
    const run = async (files: Readonly<Record<string, string>>): Promise<string> => {
      clock.advance(1_000);
      const playbook = demoPlaybook(demoStep(host, 'one', files));
      return (await runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps)).runId ?? '';
    };
    const first = await run({ [A]: 'first' });
    const second = await run({ [A]: 'second', [B]: 'second' });
    const third = await run({ [A]: 'third' });
    const later = async (id: string): Promise<readonly string[]> => listLaterRuns(await store.open(id), store);
    expect(await later(first)).toEqual([third, second]);
    await rollbackRun(third, deps);
    expect(await later(first)).toEqual([second]);
    expect(await later(second)).toEqual([]);
    const other = await run({ [B]: 'other' });
    expect(await later(first)).toEqual([second]);
    expect(await later(second)).toEqual([other]);
  });
});
