import { smallestPolicy } from '@kube-rescue/ingress-dns';
import { expect, it } from 'vitest';
import { splitPolicy } from './iam-policy.ts';

it('puts the policy of a hint on lines of its own, whole', () => {
  const policy = smallestPolicy(['route53:ListHostedZones', 'route53:ChangeResourceRecordSets'], { zoneId: 'Z1' });
  const split = splitPolicy(`attach this policy: ${policy}; a service control policy may deny it`);
  expect(split.hint).toBe('attach this policy; a service control policy may deny it');
  expect(JSON.parse(split.policy ?? '')).toEqual(JSON.parse(policy));
  expect(Math.max(...(split.policy ?? '').split('\n').map((line) => line.length))).toBeLessThan(80);
  expect(splitPolicy(`attach this policy: ${policy}`).hint).toBe('attach this policy');
});

it('leaves any other hint as it is', () => {
  const hint = 'set the clock (chronyc makestep, or timedatectl set-ntp true)';
  expect(splitPolicy(hint)).toEqual({ hint, policy: undefined });
});
