import type { RunState } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { findInterruptedTokenRotation, recordTokenRotation } from './interrupted-token-rotation.ts';

const run = (over: Partial<RunState>): RunState => ({
  ...{ id: 'r', playbook: 'certs-rotate-sa', host: 'cp1', startedAt: '2027-01-01T00:00:00Z' },
  ...{ header: undefined, resumeCommand: undefined, input: undefined, outcome: undefined, endedAt: undefined },
  ...{
    nextSeq: 0,
    activeChanges: [],
    unfinished: [],
    unverified: new Set<string>(),
    applied: new Map<string, string>(),
  },
  ...over,
});
const input = recordTokenRotation({ stages: ['publish', 'sign'], revokeTokens: true });

describe('an interrupted rotation of the key of service account tokens', () => {
  it('is resumed with its recorded input', () => {
    const applied = new Map([['publish/sa/files', 'applied']]);
    expect(findInterruptedTokenRotation([run({ input, applied })])).toEqual({
      stages: ['publish', 'sign'],
      resignSecrets: false,
      revokeTokens: true,
      hasBegun: true,
    });
  });

  it('is the newest one, and none when that is done', () => {
    expect(findInterruptedTokenRotation([])).toBeUndefined();
    expect(findInterruptedTokenRotation([run({ input }), run({ input, outcome: 'done' })])).toBeUndefined();
    expect(findInterruptedTokenRotation([run({ input, playbook: 'certs-rotate-ca-cluster' })])).toBeUndefined();
  });

  it('names no stage where the journal has none', () => {
    expect(findInterruptedTokenRotation([run({})])).toMatchObject({ stages: [], hasBegun: false });
  });
});
