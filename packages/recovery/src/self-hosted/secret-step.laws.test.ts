import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { createSecretStep } from './secret-step.ts';

const NAMES = ['kube-controller-manager', 'kube-scheduler'];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

stepLaws('Secrets of the control plane', () => {
  const machines = createObjectMachines((store) => {
    for (const name of NAMES) {
      const data = { 'ca.crt': base64('old'), kept: base64('as it was') };
      store.plant(RESOURCE_KINDS.Secret, { metadata: { name, namespace: 'kube-system' }, data });
    }
  });
  const data = new Map([['ca.crt', Buffer.from('new')]]);
  const location = { namespace: 'kube-system', directory: hostPath('/nowhere') };
  const wanted = [...NAMES, 'not-there'].map((name) => ({ ...location, name, data }));
  return {
    ...machines,
    makePlaybook: (host) => {
      const objects = { source: { via: 'etcd' as const, search: null }, open: async () => machines.objectsOf(host) };
      const steps = async () => [createSecretStep({ requires: [], wanted: async () => wanted }, objects)];
      return { id: 'secrets', title: 'secrets', phases: [{ id: 'objects', title: 'objects', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock: createFixedClock('2026-11-22T12:00:00Z'),
    directories: [],
  };
});
