import { describe, expect, it } from 'vitest';
import { proveRollingRestart } from './rolling-workloads.ts';

const BEFORE = { 'web-1': 'a', 'web-2': 'b', 'agent-1': 'c', 'store-0': 'd', poller: 'e' };
const AFTER = { 'web-3': 'f', 'web-4': 'g', 'agent-2': 'h', 'store-0': 'i', poller: 'e' };
const WARNINGS = ['default/poller may hold the old CA and has no controller'];

const verdicts = (
  after: Readonly<Record<string, string>>,
  warnings: readonly string[] = WARNINGS,
): readonly boolean[] => proveRollingRestart(BEFORE, after, warnings).map(({ ok }) => ok);

describe('a rolling restart of pods', () => {
  it('replaces every pod but the one without a controller, which is named', () => {
    expect(verdicts(AFTER)).toEqual([true, true]);
    expect(verdicts({ ...AFTER, 'store-0': 'd' })).toEqual([false, true]);
    expect(verdicts({ 'web-3': 'f', 'web-4': 'g', 'store-0': 'i', poller: 'e' })).toEqual([false, true]);
    expect(verdicts({ ...AFTER, poller: 'z' })).toEqual([true, false]);
    expect(verdicts(AFTER, ['default/poller-2 may hold it'])).toEqual([true, false]);
  });
});
