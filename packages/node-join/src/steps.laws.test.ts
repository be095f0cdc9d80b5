import { type ObjectAccess, type ObjectStore, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, type FixedClock, stepLaws, treeOf } from '@kube-rescue/testing';
import { accessTo, KUBECONFIG } from './cluster.fixture.ts';
import { createJoinStep, createNodeChangeKinds, type NodeHost } from './index.ts';

const NEW = '-----BEGIN PRIVATE KEY-----\nnew\n';

/** The worker fails: the laws check its files. */
function workerOn(host: Host): NodeHost {
  return { ...host, hostname: 'node02', addresses: [] };
}

/** A Node that is Ready when its kubelet has the new file and runs. */
function objectsOf(host: Host, clock: FixedClock): ObjectAccess {
  const get: ObjectStore['get'] = async ({ kind }) => {
    if (kind.kind !== 'Node') return undefined;
    const isNew = Buffer.from((await host.readFile(KUBECONFIG)) ?? []).toString() === NEW;
    const isReady = isNew && (await host.services.status('kubelet')) === 'running';
    clock.advance(1);
    const reported = isReady ? { lastHeartbeatTime: clock.now().toISOString() } : {};
    const status = { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'Unknown', ...reported }] };
    const object = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node02' }, status };
    return {
      kind: RESOURCE_KINDS.Node,
      object,
      revision: '1',
      partial: false,
      origin: undefined,
    } satisfies StoredObject;
  };
  return { source: { via: 'api', search: {} }, open: async () => ({ get }) as unknown as ObjectStore };
}

stepLaws('rejoin of a worker', () => {
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  return {
    makeHost: async () =>
      createFakeHost({
        tree: treeOf({ [KUBECONFIG]: 'old', '/etc/kubernetes/pki/other': 'kept' }),
        services: { kubelet: 'running' },
      }),
    makePlaybook: (host) => {
      const files = [
        { path: KUBECONFIG, mode: 0o600, content: Buffer.from(NEW) },
        { path: '/etc/kubernetes/ca.crt', mode: 0o644, content: Buffer.from('new ca') },
      ];
      const worker = { node: 'node02', access: accessTo('node02'), kubeletService: 'kubelet', files };
      const deps = { objects: objectsOf(host, clock), openNode: async () => workerOn(host), clock };
      const steps = async () => [createJoinStep({ workers: [worker] }, deps)];
      return { id: 'join', title: 'join', phases: [{ id: 'nodes', title: 'nodes', steps }] };
    },
    makeKinds: (host) => createNodeChangeKinds(async () => workerOn(host)),
    clock,
    directories: [hostPath('/etc/kubernetes')],
  };
});
