import { CLUSTER_SCENARIOS } from '@kube-rescue/lab';
import { expect, it } from 'vitest';
import { SCENARIOS } from './scenarios.ts';

it('a drill can be told every scenario that the lab has', () => {
  expect([...SCENARIOS].toSorted()).toEqual([...Object.keys(CLUSTER_SCENARIOS), 'ca-rotation-live'].toSorted());
});
