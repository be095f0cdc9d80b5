import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { createFreezeChangeKinds, createRestartKinds } from '@kube-rescue/static-manifests';
import { buildPki, createFakeHost, createFixedClock, type NodeTree, treeOf } from '@kube-rescue/testing';
import {
  type ChangeKind,
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  planPlaybook,
  runPlaybook,
} from '@kube-rescue/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRecoveryPlaybook } from './index.ts';
import { createSelfHostedPlaybook } from './self-hosted/playbook.ts';
import { makeSaturday, NOW as SATURDAY, type Saturday, SET, setTree } from './self-hosted/saturday-node.fixture.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const KUBERNETES = hostPath('/etc/kubernetes');
const MAX_READS = 60;
const { signal } = new AbortController();

let kubeadm: NodeTree;
let saturday: Saturday;

beforeAll(async () => {
  const { tree } = await buildPki({ now: NOW, expired: ['etcd/server', 'scheduler.conf', 'kubelet-client'] });
  kubeadm = new Map([...tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]);
  saturday = await makeSaturday();
  const labels = { 'k8s-app': 'kube-apiserver' };
  saturday.store.plant(RESOURCE_KINDS.DaemonSet, {
    metadata: { namespace: 'kube-system', name: 'kube-apiserver' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
  });
  saturday.store.plant(RESOURCE_KINDS.Node, { metadata: { name: 'cp1' } });
});

/** A node whose machine counts how often each file is read, and how often the node is described. */
interface Counted {
  readonly node: Node;
  readonly reads: readonly HostPath[];
  /** Only a description lists the node's directory. */
  readonly descriptions: () => number;
}

function count(tree: NodeTree, now: Date): Counted {
  const fake = createFakeHost({ tree, services: { kubelet: 'running', 'etcd-member': 'running' } });
  const reads: HostPath[] = [];
  let listed = 0;
  const host: Host = {
    ...fake,
    readFile: (path) => {
      reads.push(path);
      return fake.readFile(path);
    },
    list: (path) => {
      if (path === KUBERNETES) listed += 1;
      return fake.list(path);
    },
  };
  const options = { kubernetesDirectory: KUBERNETES, kubeletService: 'kubelet' };
  return { node: openNode(options, { host, clock: createFixedClock(now) }), reads, descriptions: () => listed };
}

function plan(playbook: Playbook, now: Date): ReturnType<typeof planPlaybook> {
  return planPlaybook(playbook, { host: 'cp1', clock: { now: () => now }, selection: {}, signal });
}

/** Runs a playbook as far as a machine in memory allows; returns the number of phases begun. */
async function runPhases(playbook: Playbook, node: Node, kinds: readonly ChangeKind[] = []): Promise<number> {
  let begun = 0;
  const phases = playbook.phases.map((phase) => ({
    ...phase,
    steps: async (...input: Parameters<typeof phase.steps>) => {
      begun += 1;
      return phase.steps(...input);
    },
  }));
  const { machine: host, clock } = node;
  const registry = createChangeRegistry([...hostChangeKinds(host), ...kinds]);
  const deps = { host, clock, kinds: registry, store: openRunStore(host), onEvent: () => undefined };
  const planned = await plan({ ...playbook, phases }, clock.now());
  begun = 0;
  await runPlaybook(
    { playbook: { ...playbook, phases }, planned, selection: {}, confirm: async () => true, signal },
    deps,
  ).catch(() => undefined);
  return begun;
}

function createSelfHosted({ node }: Counted): Playbook {
  const { store, set } = saturday;
  const objects: Node['objects'] = {
    access: ({ via }) => ({ source: { via, search: {} }, open: async () => store }),
    open: async () => store,
    close: async () => undefined,
  };
  const openWorker = (): Promise<never> => Promise.reject(new Error('no worker is opened'));
  const runs = { list: async () => [], open: openWorker };
  const adopt = { path: SET, files: createFakeHost({ tree: setTree(set) }) };
  return createSelfHostedPlaybook({ adopt }, { ...node, objects, openNode: openWorker, runs });
}

describe('a plan of a kubeadm recovery', () => {
  it(`reads at most ${MAX_READS} files, each once, and describes the node once`, async () => {
    const { node, reads, descriptions } = count(kubeadm, NOW);
    await plan(createRecoveryPlaybook(node, {}), NOW);
    const again = reads.filter((path, index) => reads.indexOf(path) !== index);
    // The kernel generates these on each read.
    expect(again.filter((path) => !path.startsWith('/proc/'))).toEqual([]);
    expect(reads.length).toBeLessThanOrEqual(MAX_READS);
    expect(descriptions()).toBe(1);
  });

  it('reads everything again when it is made again', async () => {
    const { node, reads, descriptions } = count(kubeadm, NOW);
    const playbook = createRecoveryPlaybook(node, {});
    await plan(playbook, NOW);
    const first = reads.length;
    await plan(playbook, NOW);
    expect(reads.length).toBe(2 * first);
    expect(descriptions()).toBe(2);
  });
});

describe('a run of a recovery describes the node once per phase', () => {
  it('with kubeadm', async () => {
    const { node, descriptions } = count(kubeadm, NOW);
    const phases = await runPhases(
      createRecoveryPlaybook(node, {}),
      node,
      createRestartKinds({ host: node.machine, clock: node.clock }),
    );
    expect(phases).toBeGreaterThanOrEqual(3);
    expect(descriptions()).toBeLessThanOrEqual(1 + phases);
  });

  it('with a self-hosted control plane', async () => {
    const counted = count(saturday.tree, SATURDAY);
    const { machine: host, clock } = counted.node;
    const kinds = [
      ...createObjectChangeKinds(async () => saturday.store, { clock }),
      ...createFreezeChangeKinds({ host, clock }),
    ];
    const phases = await runPhases(createSelfHosted(counted), counted.node, kinds);
    expect(phases).toBeGreaterThanOrEqual(3);
    expect(counted.descriptions()).toBeLessThanOrEqual(1 + phases);
  });
});
