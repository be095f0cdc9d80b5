import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { createLabelStep, createTaintStep, parseTaint } from '../index.ts';

const TAINT = parseTaint('node-role.kubernetes.io/master=:NoSchedule');

stepLaws('labels and taints of a node', () => {
  const machines = createObjectMachines((store) => {
    store.plant(RESOURCE_KINDS.Node, {
      metadata: { name: 'cp1', labels: { kept: 'yes' } },
      spec: { podCIDR: '10.2.0.0/24' },
      status: { nodeInfo: { kubeletVersion: 'v1.20.15' } },
    });
  });
  return {
    ...machines,
    makePlaybook: (host) => {
      const open = async () => machines.objectsOf(host);
      const objects = { source: { via: 'api' as const, search: null }, open };
      const asked = { labels: { zone: 'a' }, taints: [TAINT] };
      const steps = async () => [
        createLabelStep({ node: 'cp1', sources: { asked } }, { objects }),
        createTaintStep({ node: 'cp1', sources: { asked } }, { objects }),
      ];
      return { id: 'roles', title: 'roles', phases: [{ id: 'roles', title: 'roles', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock: createFixedClock('2026-11-22T12:00:00Z'),
    directories: [],
  };
});
