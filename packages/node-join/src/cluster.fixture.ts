import {
  createObjectChangeKinds,
  type KubernetesObject,
  type ObjectAccess,
  RESOURCE_KINDS,
} from '@kube-rescue/cluster-objects';
import { type Clock, type Host, hostPath } from '@kube-rescue/host';
import {
  createFakeHost,
  createFakeObjectStore,
  type FakeHost,
  type FakeObjectStore,
  treeOf,
} from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  runPlaybook,
  type RunResult,
  type Step,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { createNodeChangeKinds, type NodeAccess, type NodeHost, type OpenNode } from './index.ts';

export interface FakeCluster {
  readonly store: FakeObjectStore;
  readonly objects: ObjectAccess;
  plantNode(name: string, fields?: NodeFields): void;
  node(name: string): Promise<KubernetesObject>;
}

interface NodeFields {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly object[];
  readonly version?: string;
  readonly ready?: string;
  readonly reportedAt?: string;
  readonly addresses?: readonly object[];
}

/** An in-memory cluster of Nodes. */
export function fakeCluster(): FakeCluster {
  const store = createFakeObjectStore();
  return {
    store,
    objects: { source: { via: 'api', search: {} }, open: async () => store },
    plantNode: (name, { labels = {}, taints, version = 'v1.20.15', ready = 'True', reportedAt, addresses } = {}) => {
      const heartbeat = reportedAt === undefined ? {} : { lastHeartbeatTime: reportedAt };
      store.plant(RESOURCE_KINDS.Node, {
        metadata: { name, labels },
        spec: { podCIDR: '10.2.1.0/24', ...(taints === undefined ? {} : { taints }) },
        status: {
          conditions: [{ type: 'Ready', status: ready, lastTransitionTime: '2026-11-22T11:00:00Z', ...heartbeat }],
          nodeInfo: { kubeletVersion: version },
          addresses: addresses ?? [{ type: 'Hostname', address: name }],
        },
      });
    },
    node: async (name) => {
      const found = await store.get({ kind: RESOURCE_KINDS.Node, name });
      if (found === undefined) throw new Error(`no node ${name}`);
      return found.object;
    },
  };
}

/** An in-memory worker, with the files of a shared kubeconfig. */
export function fakeWorker(name: string, files: Readonly<Record<string, string>> = {}): FakeHost & NodeHost {
  const tree = treeOf({ '/etc/kubernetes/kubeconfig': 'old', '/etc/kubernetes/ca.crt': 'old ca', ...files });
  return Object.assign(createFakeHost({ name, tree, services: { kubelet: 'running' } }), {
    hostname: name,
    addresses: ['127.0.0.1'],
  });
}

export function accessTo(address: string): NodeAccess {
  return {
    address,
    port: null,
    user: null,
    identityFile: null,
    knownHostsFile: null,
    sudo: false,
    serviceCommand: null,
  };
}

/** The dependencies of a run on `host`. */
export function runDeps(host: Host, clock: Clock, objects: ObjectAccess, openNode: OpenNode): WorkflowDeps {
  const kinds = createChangeRegistry([
    ...hostChangeKinds(host),
    ...createObjectChangeKinds(async () => objects.open(new AbortController().signal)),
    ...createNodeChangeKinds(openNode),
  ]);
  return { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
}

export async function runSteps(steps: readonly Step[], deps: WorkflowDeps): Promise<RunResult> {
  const playbook = { id: 'test', title: 'test', phases: [{ id: 'nodes', title: 'nodes', steps: async () => steps }] };
  const { signal } = new AbortController();
  return runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps);
}

export const KUBECONFIG = hostPath('/etc/kubernetes/kubeconfig');
