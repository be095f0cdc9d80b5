import type { Voter } from '@kube-rescue/node';
import { describe, expect, it } from 'vitest';
import { judgeLostMembers, type KnownMembers } from './lost-members-judgement.ts';

type State = 'answers' | 'silent' | 'expired' | 'not asked';

function members(states: Readonly<Record<string, State>>): readonly Voter[] {
  return Object.entries(states).map(([name, state], index) => ({
    ...{ name, isThisNode: index === 0, isExpired: state === 'expired' },
    answers: state === 'not asked' ? undefined : state === 'answers',
  }));
}

function known(states: Readonly<Record<string, State>>, more: Partial<KnownMembers> = {}): KnownMembers {
  return { members: members(states), hasQuorum: false, sum: 'the sum', readyApi: undefined, ...more };
}

const LOST = { cp1: 'answers', cp2: 'silent', cp3: 'silent' } as const;
const FIVE = { ...LOST, cp4: 'silent', cp5: 'silent' } as const;

describe('one member becomes a cluster of its own', () => {
  it.each([
    ['when every other one is silent and named', LOST, ['cp2', 'cp3']],
    ['in any order of the names', LOST, ['cp3', 'cp2']],
    ['when its own etcd does not answer either', { ...LOST, cp1: 'silent' }, ['cp2', 'cp3']],
    ['when its own certificate has expired', { ...LOST, cp1: 'expired' }, ['cp2', 'cp3']],
    ['when its own port could not be asked', { ...LOST, cp1: 'not asked' }, ['cp2', 'cp3']],
    ['of five', FIVE, ['cp2', 'cp3', 'cp4', 'cp5']],
    ['of two', { cp1: 'answers', cp2: 'silent' }, ['cp2']],
  ] as const)('%s', (_title, states, without) => {
    expect(judgeLostMembers(known(states), without)).toBeUndefined();
  });
});

describe('a restore of one member is refused', () => {
  it.each([
    ['while a majority works', known(LOST, { hasQuorum: true }), ['cp2', 'cp3'], 'a majority of etcd works', 'remove'],
    ['when another one is not named', known(LOST), ['cp2'], 'cp3 is not named', '--without cp2,cp3'],
    ['when none is named', known(LOST), [], 'cp2,cp3 is not named', '--without cp2,cp3'],
    ['when some of five are not named', known(FIVE), ['cp2', 'cp3'], 'cp4,cp5 is not named', 'cp2,cp3,cp4,cp5'],
    [
      'when one that is not named answers',
      known({ ...LOST, cp3: 'answers' }),
      ['cp2'],
      'cp3 still answers',
      'power off',
    ],
    ['when a named one answers', known({ ...LOST, cp2: 'answers' }), ['cp2', 'cp3'], 'cp2 still answers', 'power off'],
    ['when two answer', known({ ...FIVE, cp2: 'answers', cp3: 'expired' }), ['cp2'], 'cp2,cp3 still answer,', 'power'],
    [
      'when a named one runs with an expired certificate',
      known({ ...LOST, cp2: 'expired' }),
      ['cp2', 'cp3'],
      'cp2 still answers',
      'power off',
    ],
    ['when this one is named', known(LOST), ['cp1', 'cp2', 'cp3'], 'cp1 is this node', '--without cp2,cp3'],
    ['when a named one was not asked', known({ ...LOST, cp2: 'not asked' }), ['cp2', 'cp3'], 'unknown', 'start'],
    [
      'while an API server is ready',
      known(LOST, { readyApi: 'https://api.lab:6443' }),
      ['cp2', 'cp3'],
      'an API server is ready at https://api.lab:6443',
      'network',
    ],
  ] as const)('%s', (_title, input, without, message, hint) => {
    const refusal = judgeLostMembers(input, without);
    expect(refusal?.code).toBe('ETCD_RESTORE_REFUSED');
    expect(refusal?.message).toContain(message);
    expect(refusal?.hint).toContain(hint);
  });

  it.each([
    [known(LOST), ['cp2', 'cp3', 'cp9'], 'etcd has no member cp9: it has cp1,cp2,cp3'],
    [known({ cp1: 'answers' }), ['cp2'], 'etcd has no member cp2: it has cp1'],
    [known({}), ['cp2'], 'etcd has no member cp2: it has none'],
  ] as const)('for a name that etcd does not know: %#', (input, without, message) => {
    expect(judgeLostMembers(input, without)).toMatchObject({ code: 'ETCD_MEMBER_UNKNOWN', message });
  });
});
