import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import { type Node, openNode } from '@kube-rescue/node';
import { createObjectPatchPlaybook } from './object-patch-playbook.ts';

const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The node, in phases too, with these objects. */
function withObjects(node: Node, openObjects: Node['openObjects']): Node {
  const phase: Node['phase'] = ({ steps, ...rest }) =>
    node.phase({ ...rest, steps: (own, ...more) => steps({ ...own, openObjects }, ...more) });
  return { ...node, openObjects, phase };
}

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
      const input = { object: reference, patch, via: 'etcd' as const, search: {} };
      const openObjects = async () => {
        const close = async (): Promise<void> => undefined;
        return { store: machines.objectsOf(host), mayWrite: true, close };
      };
      return createObjectPatchPlaybook(withObjects(openNode(NODE, { host, clock }), openObjects), input);
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock,
    directories: [],
  };
});
