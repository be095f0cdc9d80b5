import { expect, it } from 'vitest';
import { describeVoters, quorumAfter } from './quorum.ts';
import { quorumOf, type Voters } from './voters.ts';

/** Members `cp1` to `cpN`, of which `cp1` is this node; those in `down` do not answer. */
function votersOf(count: number, down: readonly string[], source: Voters['source'] = 'client'): Voters {
  const names = Array.from({ length: count }, (_, index) => `cp${index + 1}`);
  const members = names.map((name) => ({
    ...{ name, isThisNode: name === 'cp1' },
    answers: source === 'flags' ? undefined : !down.includes(name),
  }));
  return { members, quorum: quorumOf(count), hasQuorum: down.length < quorumOf(count), source };
}

it.each([
  [1, [], 0, false],
  [2, [], 1, false],
  [3, [], 2, true],
  [3, ['cp3'], 1, false],
  [3, ['cp2', 'cp3'], 0, false],
  [4, [], 3, true],
  [4, ['cp4'], 2, false],
  [5, ['cp5'], 3, true],
  [5, ['cp4', 'cp5'], 2, false],
] as const)(
  'of %i members with %j down, %i answer once this node stops: a majority is %s',
  (count, down, answering, holds) => {
    expect(quorumAfter(votersOf(count, down), ({ isThisNode }) => isThisNode)).toEqual({ answering, holds });
  },
);

it.each([
  [votersOf(3, []), '3 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2, cp3'],
  [votersOf(3, ['cp3']), '2 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2; no answer from cp3'],
  [
    votersOf(3, ['cp2', 'cp3']),
    '1 of 3 members of etcd answers, 2 are needed: cp1 (this node); no answer from cp2, cp3',
  ],
  [
    votersOf(2, [], 'flags'),
    'etcd does not answer, and its flags name 2 members, of which 2 are needed: cp1 (this node), cp2',
  ],
])('the sum is named with the members', (voters, text) => {
  expect(describeVoters(voters)).toBe(text);
});
