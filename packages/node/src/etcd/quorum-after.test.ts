import { describe, expect, it } from 'vitest';
import { type CountedMember, type MemberAction, type MemberState, quorumAfter, quorumOf } from './quorum-after.ts';

/** Members `cp1` to `cpN`; the last `down` of them are in `state`. */
function cluster(count: number, down = 0, state: MemberState = 'unreachable'): readonly CountedMember[] {
  return Array.from({ length: count }, (_, index) => {
    return { name: `cp${index + 1}`, state: index >= count - down ? state : 'healthy' };
  });
}

const on = (kind: MemberAction['kind'], member = 'cp1'): MemberAction => ({ kind, member });

describe('a majority', () => {
  it.each([
    [1, 1, 0],
    [2, 2, 0],
    [3, 2, 1],
    [4, 3, 1],
    [5, 3, 2],
    [6, 4, 2],
    [7, 4, 3],
  ])('of %i members is %i, and %i may fail', (count, needed, tolerates) => {
    expect(quorumOf(count)).toBe(needed);
    expect(quorumAfter(cluster(count))).toMatchObject({ needed, tolerates, answering: count, holds: true });
  });
});

describe('with every number of members down', () => {
  /** Members, those down, and whether the majority remains when cp1, which answers, stops, is removed, and a voter is added. */
  const table = [
    [1, 0, false, false, false],
    [2, 0, false, true, true],
    [2, 1, false, false, false],
    [3, 0, true, true, true],
    [3, 1, false, false, false],
    [3, 2, false, false, false],
    [4, 0, true, true, true],
    [4, 1, false, true, true],
    [4, 2, false, false, false],
    [5, 0, true, true, true],
    [5, 1, true, true, true],
    [5, 2, false, false, false],
    [6, 0, true, true, true],
    [6, 1, true, true, true],
    [6, 2, false, true, true],
    [6, 3, false, false, false],
    [7, 0, true, true, true],
    [7, 1, true, true, true],
    [7, 2, true, true, true],
    [7, 3, false, false, false],
    [7, 4, false, false, false],
  ] as const;
  it.each(table)('of %i members with %i down: stop %s, remove %s, add %s', (count, down, stop, remove, add) => {
    const members = cluster(count, down);
    expect(quorumAfter(members, on('stop')).holds).toBe(stop);
    expect(quorumAfter(members, on('restart')).holds).toBe(stop);
    expect(quorumAfter(members, on('remove')).holds).toBe(remove);
    expect(quorumAfter(members, on('add', 'new')).holds).toBe(add);
  });

  it.each(table)('of %i members with %i down, a stop of one that is down changes nothing', (count, down) => {
    const members = cluster(count, down);
    const last = `cp${count}`;
    if (down === 0) return expect(quorumAfter(members, on('stop', last)).answering).toBe(count - 1);
    expect(quorumAfter(members, on('stop', last))).toMatchObject({
      answering: count - down,
      holds: quorumAfter(members).holds,
    });
  });

  it.each(['unhealthy', 'unreachable', 'behind'] as const)('a member that is %s does not count', (state) => {
    expect(quorumAfter(cluster(3, 1, state), on('stop')).holds).toBe(false);
    expect(quorumAfter(cluster(3, 1, state), on('remove', 'cp3'))).toMatchObject({
      needed: 2,
      answering: 2,
      holds: true,
    });
  });
});

describe('a learner', () => {
  const learner = { name: 'new', isLearner: true, state: 'healthy' as const };
  it('has no vote, and its stop costs nothing', () => {
    expect(quorumAfter([...cluster(2), learner])).toMatchObject({ voters: 2, needed: 2 });
    expect(quorumAfter([...cluster(2), learner], on('stop', 'new')).holds).toBe(true);
  });

  it('is added to a single member without a risk; a voting member is not', () => {
    expect(quorumAfter(cluster(1), on('add-learner', 'new')).holds).toBe(true);
    expect(quorumAfter(cluster(1), on('add', 'new')).holds).toBe(false);
  });

  it('is promoted once it has caught up, and while there is a majority', () => {
    expect(quorumAfter([...cluster(1), learner], on('promote', 'new'))).toMatchObject({
      voters: 2,
      answering: 2,
      holds: true,
    });
    expect(quorumAfter([...cluster(1), { ...learner, state: 'behind' }], on('promote', 'new')).holds).toBe(false);
    expect(quorumAfter([...cluster(2, 1), learner], on('promote', 'new')).holds).toBe(false);
  });
});

it('the sum says how many members there are, and how many are left of those needed', () => {
  expect(quorumAfter(cluster(3, 1), on('stop', 'cp2')).sum).toBe(
    '3 members, 2 answer, stopping cp2 leaves 1 of 2 needed',
  );
  expect(quorumAfter(cluster(1), on('restart')).sum).toBe('1 member, 1 answers, restarting cp1 leaves 0 of 1 needed');
  expect(quorumAfter(cluster(3, 1), on('remove', 'cp3')).sum).toBe(
    '3 members, 2 answer, removing cp3 leaves 2 of 2 needed',
  );
});

it('no members are no majority', () => {
  expect(quorumAfter([])).toMatchObject({ voters: 0, holds: false });
});
