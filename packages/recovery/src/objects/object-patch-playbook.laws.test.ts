import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { createObjectPatchPlaybook } from './object-patch-playbook.ts';

const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

stepLaws('patch of an object', () => {
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const reference = { kind: RESOURCE_KINDS.Secret, namespace: 'default', name: 'app' };
  const machines = createObjectMachines((store) => {
    store.plant(reference.kind, {
      metadata: { name: 'app', namespace: 'default', labels: { gone: 'soon', kept: 'yes' } },
      data: { a: base64('old'), b: base64('as it was') },
    });
  });
  return {
    ...machines,
    makePlaybook: (host) => {
      const patch = { metadata: { labels: { gone: null } }, data: { a: base64('new'), c: base64('more') } };
      const input = { ...NODE, object: reference, patch, via: 'etcd' as const, search: {} };
      const openObjects = async () => {
        const close = async (): Promise<void> => undefined;
        return { store: machines.objectsOf(host), mayWrite: true, close };
      };
      return createObjectPatchPlaybook(input, { host, clock, openObjects });
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock,
    directories: [],
  };
});
