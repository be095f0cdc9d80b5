import { createObjectChangeKinds, type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Host } from '@kube-rescue/host';
import { createFixedClock, objectsBeside, readObjects, stepLaws } from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, openRunStore, rollbackRun, runPlaybook } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { API, CHECKPOINTER, type CheckpointNode, createCheckpointNode, DIRECTORY } from './checkpoint-node.fixture.ts';
import { createCheckpointParentsStep } from './parents-step.ts';

const clock = createFixedClock('2026-11-22T10:00:00Z');
const signal = new AbortController().signal;
const { DaemonSet, Pod } = RESOURCE_KINDS;

function daemonSet(name: string, volumes: readonly unknown[] = []): KubernetesObject {
  const annotations = { 'checkpointer.alpha.coreos.com/checkpoint': 'true' };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { namespace: 'kube-system', name } },
    spec: {
      selector: { matchLabels: { 'k8s-app': name } },
      template: {
        metadata: { labels: { 'k8s-app': name }, annotations },
        spec: { serviceAccountName: name, containers: [], volumes },
      },
    },
  };
}

function pod(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'kube-system', name }, spec: {} };
}

async function createNode(): Promise<CheckpointNode> {
  const node = await createCheckpointNode();
  const volumes = [{ name: 'secrets', secret: { secretName: 'kube-apiserver', defaultMode: 0o600 } }];
  node.store.plant(DaemonSet, daemonSet('kube-apiserver', volumes));
  node.store.plant(DaemonSet, daemonSet('pod-checkpointer'));
  return node;
}

function stepOf(node: CheckpointNode) {
  return createCheckpointParentsStep({ requires: [], directory: DIRECTORY }, node);
}

function depsOf({ host, objects }: CheckpointNode) {
  const kinds = createChangeRegistry([
    ...hostChangeKinds(host),
    ...createObjectChangeKinds(() => objects.open(signal)),
  ]);
  return { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
}

async function run(node: CheckpointNode) {
  const steps = async () => [stepOf(node)];
  const playbook = { id: 'test', title: 'test', phases: [{ id: 'parents', title: 'parents', steps }] };
  return runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, depsOf(node));
}

const getPod = (node: CheckpointNode, name: string) => node.store.get({ kind: Pod, namespace: 'kube-system', name });

describe('the parents of checkpoints', () => {
  it('are recreated as by their DaemonSet, bound to their node', async () => {
    const node = await createNode();
    node.store.plant(Pod, pod(CHECKPOINTER));
    const { runId } = await run(node);
    const object = (await getPod(node, API))?.object;
    const owner = await node.store.get({ kind: DaemonSet, namespace: 'kube-system', name: 'kube-apiserver' });
    expect(object?.metadata).toMatchObject({
      labels: { 'k8s-app': 'kube-apiserver', 'controller-revision-hash': '7b46b6449c' },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint': 'true' },
      ownerReferences: [{ kind: 'DaemonSet', uid: owner?.object.metadata.uid, controller: true }],
    });
    expect(object?.spec).toMatchObject({
      ...{ nodeName: 'cp1', serviceAccountName: 'kube-apiserver', hostNetwork: true },
      volumes: [
        { name: 'ssl-certs-host', hostPath: { path: '/usr/share/ca-certificates' } },
        { name: 'secrets', secret: { secretName: 'kube-apiserver', defaultMode: 0o600 } },
        { name: 'default-token-bzn5p', secret: { secretName: 'default-token-bzn5p', defaultMode: 0o644 } },
      ],
    });
    await rollbackRun(runId ?? '', depsOf(node));
    expect(await getPod(node, API)).toBeUndefined();
  });

  it('are not changed when the cluster has them', async () => {
    const node = await createNode();
    for (const name of [API, CHECKPOINTER]) node.store.plant(Pod, pod(name));
    expect(await stepOf(node).check(signal)).toMatchObject({ status: 'ok' });
    expect((await run(node)).outcome).toBe('nothing-to-do');
  });

  it('block the recovery when no DaemonSet owns them', async () => {
    const node = await createCheckpointNode();
    expect(await stepOf(node).check(signal)).toMatchObject({ status: 'blocked', code: 'CHECKPOINT_PARENT_LOST' });
  });
});

stepLaws('restore of pod objects for the checkpointer', () => {
  const nodes = new WeakMap<Host['readFile'], CheckpointNode>();
  const nodeOn = (host: Host): CheckpointNode => {
    const node = nodes.get(host.readFile);
    if (node === undefined) throw new Error('an unknown host');
    return { ...node, host, objects: { ...node.objects, open: async () => objectsBeside(host, node.store) } };
  };
  return {
    makeHost: async () => {
      const node = await createNode();
      nodes.set(node.host.readFile, node);
      return node.host;
    },
    makePlaybook: (host) => {
      const steps = async () => [stepOf(nodeOn(host))];
      return { id: 'parents', title: 'parents', phases: [{ id: 'parents', title: 'parents', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(() => nodeOn(host).objects.open(signal)),
    clock,
    directories: [DIRECTORY],
    readState: (host) => readObjects(nodeOn(host).store),
  };
});
