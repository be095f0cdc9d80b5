import { expect, it } from 'vitest';
import { quorumOf } from './quorum-after.ts';
import { describeVoters } from './quorum.ts';
import type { Voters } from './voters.ts';

/** Members `cp1` to `cpN`, of which `cp1` is this node; those in `down` do not answer. */
function votersOf(count: number, down: readonly string[], source: Voters['source'] = 'client'): Voters {
  const names = Array.from({ length: count }, (_, index) => `cp${index + 1}`);
  const members = names.map((name) => ({
    ...{ name, isThisNode: name === 'cp1' },
    answers: source === 'flags' ? undefined : !down.includes(name),
  }));
  const location = source === 'flags' ? '--initial-cluster' : 'https://10.0.0.1:2379';
  const evidence = [{ source, location, voters: count }];
  return { members, quorum: quorumOf(count), hasQuorum: down.length < quorumOf(count), source, evidence };
}

it.each([
  [votersOf(3, []), '3 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2, cp3'],
  [votersOf(3, ['cp3']), '2 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2; no answer from cp3'],
  [
    votersOf(3, ['cp2', 'cp3']),
    '1 of 3 members of etcd answers, 2 are needed: cp1 (this node); no answer from cp2, cp3',
  ],
  [
    votersOf(2, [], 'flags'),
    'etcd does not answer, and its flag --initial-cluster names 2 members, of which 2 are needed: cp1 (this node), cp2',
  ],
])('the sum is named with the members', (voters, text) => {
  expect(describeVoters(voters)).toBe(text);
});

it('sources that disagree are named, the one that counts first', () => {
  const voters = votersOf(3, ['cp3']);
  const evidence = [...voters.evidence, { source: 'flags' as const, location: '--initial-cluster', voters: 1 }];
  expect(describeVoters({ ...voters, hasQuorum: false, evidence })).toContain(
    'the sources disagree, the first counts: the client port https://10.0.0.1:2379 (3), its flag --initial-cluster (1)',
  );
  expect(describeVoters({ ...voters, evidence })).not.toContain('disagree');
});
