import { CLUSTER_SCENARIOS, SELF_HOSTED_SCENARIOS } from '@kube-rescue/lab';
import { expect, it } from 'vitest';
import { SCENARIOS } from './scenarios.ts';

it('a drill offers every scenario of the lab', () => {
  // The encrypted variant is selected by --encrypted, not by a name.
  const selfHosted = Object.keys(SELF_HOSTED_SCENARIOS).filter((name) => !/-(?:encrypted|pods-alive)/.test(name));
  expect([...SCENARIOS].toSorted()).toEqual(
    [...Object.keys(CLUSTER_SCENARIOS), ...selfHosted, 'ca-rotation-live'].toSorted(),
  );
});
