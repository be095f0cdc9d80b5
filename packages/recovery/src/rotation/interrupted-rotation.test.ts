import type { Json, RunState } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { findInterruptedRotation, recordRotation } from './interrupted-rotation.ts';
import { rotationStepId } from './rotation-input.ts';

const RECORDED = { stages: ['trust', 'issue'] as const, newKeys: true, nodesReady: true, restartPods: false };

function run(fields: Partial<RunState> = {}): RunState {
  return {
    ...{ id: 'r', playbook: 'certs-rotate-ca-cluster', host: 'cp1', startedAt: '2027-01-01T00:00:00Z' },
    ...{
      header: undefined,
      resumeCommand: undefined,
      input: undefined,
      outcome: undefined,
      endedAt: undefined,
      nextSeq: 0,
    },
    ...{ activeChanges: [], unfinished: [], unverified: new Set<string>(), applied: new Map<string, string>() },
    ...fields,
  };
}

describe('an interrupted rotation', () => {
  it('is resumed with the input that its journal recorded', () => {
    const found = findInterruptedRotation('cluster', [run({ input: recordRotation(RECORDED) })]);
    expect(found).toEqual({ ...RECORDED, hasBegun: false });
  });

  it('does not depend on the words of the resume command', () => {
    const resumeCommand = 'certs rotate-ca cluster --all-stages --resume';
    const found = findInterruptedRotation('cluster', [run({ resumeCommand, input: recordRotation(RECORDED) })]);
    expect(found?.stages).toEqual(['trust', 'issue']);
  });

  it('has begun once a new CA is trusted', () => {
    const applied = new Map([[rotationStepId('cluster', 'trust'), '2026-11-22T12:00:00Z']]);
    expect(findInterruptedRotation('cluster', [run({ applied })])?.hasBegun).toBe(true);
  });

  it('of an earlier version, or with a header of another kind, names no stage', () => {
    for (const input of [undefined, null, 'trust', ['trust'], { stages: 'trust' }, { stages: ['all'] }] satisfies (
      | Json
      | undefined
    )[]) {
      expect(findInterruptedRotation('cluster', [run({ input })])).toMatchObject({ stages: [], newKeys: false });
    }
  });

  it('is the newest one of this CA, and not one that completed', () => {
    const input = recordRotation(RECORDED);
    expect(findInterruptedRotation('etcd', [run({ input })])).toBeUndefined();
    expect(findInterruptedRotation('cluster', [run({ input }), run({ outcome: 'done' })])).toBeUndefined();
    expect(findInterruptedRotation('cluster', [])).toBeUndefined();
  });
});
