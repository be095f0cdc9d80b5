import { CLUSTER_SCENARIOS, KUBERNETES_RELEASES, SELF_HOSTED_SCENARIOS } from '@kube-rescue/lab';
import { expect, it } from 'vitest';
import { KUBERNETES, kubernetesFor, SCENARIOS } from './scenarios.ts';

it('a drill offers every scenario of the lab', () => {
  // The encrypted variant is selected by --encrypted, not by a name.
  const selfHosted = Object.keys(SELF_HOSTED_SCENARIOS).filter((name) => !/-(?:encrypted|pods-alive)/.test(name));
  expect([...SCENARIOS].toSorted()).toEqual(
    [...Object.keys(CLUSTER_SCENARIOS), ...selfHosted, 'ca-rotation-live', 'sa-rotation-live'].toSorted(),
  );
});

it('a drill offers every version of the lab', () => {
  expect([...KUBERNETES].toSorted()).toEqual(Object.keys(KUBERNETES_RELEASES).toSorted());
});

it('a self-hosted cluster has the version of its time, and refuses another', () => {
  expect(kubernetesFor('saturday', undefined)).toEqual(['1.20']);
  expect(kubernetesFor('saturday', '1.20')).toEqual(['1.20']);
  expect(() => kubernetesFor('saturday', '1.37')).toThrow('self-hosted clusters are of 1.20');
  expect(kubernetesFor('ca-expired', '1.34')).toEqual(['1.34']);
});

it('three control planes have the newest version, and refuse one that joins otherwise', () => {
  expect(kubernetesFor('ha-expired', undefined)).toEqual(['1.37']);
  expect(() => kubernetesFor('ha-expired', '1.20')).toThrow('three control planes need 1.34 or later');
});

it('a cluster with addons has the newest version, and refuses one that is too old for them', () => {
  expect(kubernetesFor('kubeadm-full', undefined)).toEqual(['1.37']);
  expect(kubernetesFor('kubeadm-full', '1.34')).toEqual(['1.34']);
  expect(() => kubernetesFor('kubeadm-full', '1.20')).toThrow('its addons need 1.34 or later');
});
