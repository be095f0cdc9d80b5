import { describe, expect, it } from 'vitest';
import { actionOf, type CheckpointState, nextState, type Observation } from './checkpoint-state.ts';

const NOW = 1_000_000;
const GRACE_MS = 60_000;

/**
 * Observations by letter: A the API server answers, P it lists the parent, R the parent runs here, L the kubelet lists it.
 */
function observation(letters: string): Observation {
  return {
    apiAvailable: letters.includes('A'),
    apiParent: letters.includes('P'),
    localRunning: letters.includes('R'),
    localParent: letters.includes('L'),
  };
}

function next(state: CheckpointState, letters: string, now = NOW): CheckpointState {
  return nextState(state, { observation: observation(letters), now, gracePeriodMs: GRACE_MS });
}

const running = { name: 'active (grace period)', graceEnd: NOW + 1 } as const;
const stopped = { name: 'inactive (grace period)', graceEnd: NOW + 1 } as const;

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
  ] as const)('%s, observing [%s], becomes %s', (name, letters, expected) => {
    expect(next({ name }, letters).name).toBe(expected);
  });

  it.each([
    [running, 'AP', 'active'],
    [running, 'APR', 'inactive'],
    [running, 'R', 'inactive'],
    [running, '', 'active (grace period)'],
    [running, 'A', 'active (grace period)'],
    [stopped, 'AP', 'active'],
    [stopped, 'APR', 'inactive'],
    [stopped, 'R', 'inactive (grace period)'],
    [stopped, '', 'active'],
    [stopped, 'A', 'inactive (grace period)'],
  ] as const)('in its grace period, %o, observing [%s], becomes %s', (state, letters, expected) => {
    expect(next(state, letters).name).toBe(expected);
  });

  it('is removed at the end of its grace period, active or not', () => {
    for (const state of [running, stopped]) expect(next(state, 'A', state.graceEnd)).toEqual({ name: 'remove' });
  });

  it('becomes active instead of removed when the API server is down at the end of the grace period', () => {
    expect(next(running, '', running.graceEnd)).toEqual({ name: 'active' });
  });

  it('counts its grace period from the first pass without the parent', () => {
    const missed = next({ name: 'inactive' }, 'A');
    expect(missed).toEqual({ name: 'inactive (grace period)', graceEnd: NOW + GRACE_MS });
    expect(next(missed, 'A', NOW + GRACE_MS - 1)).toBe(missed);
  });

  it('determines the action of a pass', () => {
    const names = ['none', 'inactive', 'active', 'self-checkpoint', 'remove'] as const;
    expect(names.map((name) => actionOf({ name }))).toEqual(['none', 'stop', 'start', 'start', 'remove']);
    expect([actionOf(running), actionOf(stopped)]).toEqual(['start', 'stop']);
  });
});
