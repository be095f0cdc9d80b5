import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Host } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { createLockWatch } from './ended-holder.ts';
import { createLeaseReleaseKind } from './lease-release-kind.ts';
import { createLeaseReleaseStep, type ElectedComponent } from './lease-release-step.ts';

const LOCKS: readonly ElectedComponent[] = (['kube-controller-manager', 'kube-scheduler'] as const).map(
  (component) => ({ component, lock: { namespace: 'kube-system', name: component }, podNamespace: 'kube-system' }),
);

// Killed between two locks, one is free and the other is taken by the resumed run.
stepLaws('release of leader locks', () => {
  const machines = createObjectMachines((objects) => {
    for (const { lock } of LOCKS) {
      const spec = { holderIdentity: 'cp1_1', renewTime: '2026-11-22T12:00:00.000000Z', leaseDurationSeconds: 15 };
      objects.plant(RESOURCE_KINDS.Lease, { metadata: { ...lock }, spec });
    }
  });
  const clock = createFixedClock('2026-11-22T13:00:00Z');
  const accessOf = (host: Host): ObjectAccess => ({
    source: { via: 'api', search: null },
    open: async () => machines.objectsOf(host),
  });
  const machine = { node: 'cp1', hostname: 'cp1', startsOf: async () => [] };
  return {
    ...machines,
    makePlaybook: (host) => {
      const input = { elected: async () => LOCKS, machine, watch: createLockWatch(clock) };
      const steps = async () => [createLeaseReleaseStep(input, { access: accessOf(host), clock })];
      return { id: 'locks', title: 'locks', phases: [{ id: 'locks', title: 'locks', steps }] };
    },
    makeKinds: (host) => [createLeaseReleaseKind(async () => machines.objectsOf(host))],
    clock,
    directories: [],
    isIrreversible: true,
  };
});
