import { describe, expect, it } from 'vitest';
import { actionOf, type CheckpointState, nextState, type Observation } from './checkpoint-state.ts';

const NOW = 1_000_000;
const GRACE_MS = 60_000;

/** Sights by letters: A the API server answers, P it knows the parent, R the parent runs here, L the kubelet knows it. */
function sight(letters: string): Observation {
  return {
    apiAvailable: letters.includes('A'),
    apiParent: letters.includes('P'),
    localRunning: letters.includes('R'),
    localParent: letters.includes('L'),
  };
}

function next(state: CheckpointState, letters: string, now = NOW): CheckpointState {
  return nextState(state, { sight: sight(letters), now, gracePeriodMs: GRACE_MS });
}

const running = { name: 'active (grace period)', graceEnd: NOW + 1 } as const;
const sleeping = { name: 'inactive (grace period)', graceEnd: NOW + 1 } as const;

describe('the state of a checkpoint', () => {
  it.each([
    ['none', '', 'none'],
    ['none', 'AP', 'none'],
    ['none', 'APRL', 'inactive'],
    ['none', 'L', 'active'],
    ['none', 'AL', 'inactive (grace period)'],
    ['inactive', '', 'active'],
    ['inactive', 'R', 'inactive'],
    ['inactive', 'AP', 'active'],
    ['inactive', 'APR', 'inactive'],
    ['inactive', 'A', 'inactive (grace period)'],
    ['inactive', 'AR', 'inactive (grace period)'],
    ['active', '', 'active'],
    ['active', 'R', 'inactive'],
    ['active', 'AP', 'active'],
    ['active', 'APR', 'inactive'],
    ['active', 'A', 'active (grace period)'],
    ['self-checkpoint', '', 'self-checkpoint'],
    ['self-checkpoint', 'APR', 'self-checkpoint'],
    ['self-checkpoint', 'A', 'active (grace period)'],
    ['remove', 'APR', 'remove'],
  ] as const)('%s, seeing [%s], becomes %s', (name, letters, expected) => {
    expect(next({ name }, letters).name).toBe(expected);
  });

  it.each([
    [running, 'AP', 'active'],
    [running, 'APR', 'inactive'],
    [running, 'R', 'inactive'],
    [running, '', 'active (grace period)'],
    [running, 'A', 'active (grace period)'],
    [sleeping, 'AP', 'active'],
    [sleeping, 'APR', 'inactive'],
    [sleeping, 'R', 'inactive (grace period)'],
    [sleeping, '', 'active'],
    [sleeping, 'A', 'inactive (grace period)'],
  ] as const)('in its grace, %o, seeing [%s], becomes %s', (state, letters, expected) => {
    expect(next(state, letters).name).toBe(expected);
  });

  it('is removed at the end of its grace, active or not', () => {
    for (const state of [running, sleeping]) expect(next(state, 'A', state.graceEnd)).toEqual({ name: 'remove' });
  });

  it('starts again rather than to be removed when the API server went away at the end of its grace', () => {
    expect(next(running, '', running.graceEnd)).toEqual({ name: 'active' });
  });

  it('counts its grace from the first look that missed the parent', () => {
    const missed = next({ name: 'inactive' }, 'A');
    expect(missed).toEqual({ name: 'inactive (grace period)', graceEnd: NOW + GRACE_MS });
    expect(next(missed, 'A', NOW + GRACE_MS - 1)).toBe(missed);
  });

  it('decides what a pass does', () => {
    const names = ['none', 'inactive', 'active', 'self-checkpoint', 'remove'] as const;
    expect(names.map((name) => actionOf({ name }))).toEqual(['none', 'stop', 'start', 'start', 'remove']);
    expect([actionOf(running), actionOf(sleeping)]).toEqual(['start', 'stop']);
  });
});
