import { expect, it } from 'vitest';
import { isAllVoting } from './prove-etcd.ts';

it('every member votes only if it has started, is no learner, and no other is there', () => {
  const all = [
    { ID: 1, name: 'cp2' },
    { ID: 2, name: 'cp1' },
  ];
  const names = ['cp1', 'cp2'];
  expect(isAllVoting(all, names)).toBe(true);
  expect(isAllVoting([{ ID: 1 }, { ID: 2, name: 'cp1' }], names)).toBe(false);
  expect(
    isAllVoting(
      [
        { ID: 1, name: 'cp2', isLearner: true },
        { ID: 2, name: 'cp1' },
      ],
      names,
    ),
  ).toBe(false);
  expect(isAllVoting([...all, { ID: 3, name: 'cp3' }], names)).toBe(false);
  expect(isAllVoting([...all, { ID: 3, isLearner: true }], names)).toBe(false);
});
