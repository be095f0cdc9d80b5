import {
  createObjectChangeKinds,
  type KubernetesObject,
  type ObjectAccess,
  type ObjectStore,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import type { DnsAnswer, DnsQuery } from '@kube-rescue/host';
import {
  createFakeHost,
  createFakeObjectStore,
  createFixedClock,
  type FakeHost,
  type FakeObjectStore,
  type FixedClock,
} from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  rollbackRun,
  runPlaybook,
  type RunResult,
  type Step,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { createHash } from 'node:crypto';
import { STATEFUL_SET } from '../controllers/kinds.ts';
import { createLeaseReleaseKind } from '../leases/lease-release-kind.ts';

type Loose = Readonly<Record<string, unknown>>;

/** Leases stay fresh, however far the clock of a test moves. */
const LATER = '2026-11-23T00:00:00Z';
const LONG_AGO = '2026-11-22T09:00:00Z';

const SYSTEM = 'kube-system';
const labelled = (name: string): Loose => ({ 'k8s-app': name });

/** As Tectonic's bootkube renders it (installer `modules/bootkube/resources/manifests`). */
export const SCHEDULER: Loose = {
  metadata: { name: 'kube-scheduler', namespace: SYSTEM, labels: labelled('kube-scheduler') },
  spec: {
    replicas: 2,
    selector: { matchLabels: { ...labelled('kube-scheduler'), tier: 'control-plane' } },
    template: {
      metadata: { labels: { ...labelled('kube-scheduler'), tier: 'control-plane' } },
      spec: {
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } },
        containers: [
          {
            name: 'kube-scheduler',
            image: 'hyperkube:v1',
            command: ['./hyperkube', 'scheduler', '--leader-elect=true'],
            imagePullPolicy: 'Always',
          },
        ],
        nodeSelector: { 'node-role.kubernetes.io/master': '' },
        serviceAccountName: 'default',
        tolerations: [{ key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' }],
      },
    },
  },
};

export const CONTROLLER_MANAGER: Loose = {
  metadata: { name: 'kube-controller-manager', namespace: SYSTEM, labels: labelled('kube-controller-manager') },
  spec: {
    replicas: 1,
    selector: { matchLabels: labelled('kube-controller-manager') },
    template: {
      metadata: {
        labels: labelled('kube-controller-manager'),
        annotations: { 'checkpointer.alpha.coreos.com/checkpoint': 'true' },
      },
      spec: {
        containers: [
          {
            name: 'kube-controller-manager',
            image: 'hyperkube:v1',
            command: [
              './hyperkube',
              'controller-manager',
              '--leader-elect=true',
              '--root-ca-file=/etc/kubernetes/secrets/ca.crt',
            ],
            volumeMounts: [{ name: 'secrets', mountPath: '/etc/kubernetes/secrets', readOnly: true }],
          },
        ],
        volumes: [{ name: 'secrets', secret: { secretName: 'kube-controller-manager' } }],
      },
    },
  },
};

/** As `kubeadm init phase addon coredns` makes it. */
export const COREDNS: Loose = {
  metadata: { name: 'coredns', namespace: SYSTEM, labels: labelled('kube-dns') },
  spec: {
    replicas: 2,
    selector: { matchLabels: labelled('kube-dns') },
    template: {
      metadata: { labels: labelled('kube-dns') },
      spec: {
        containers: [
          {
            name: 'coredns',
            image: 'coredns/coredns:1.7.0',
            args: ['-conf', '/etc/coredns/Corefile'],
            ports: [
              { name: 'dns', containerPort: 53, protocol: 'UDP' },
              { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
            ],
          },
        ],
        priorityClassName: 'system-cluster-critical',
        serviceAccountName: 'coredns',
        volumes: [{ name: 'config-volume', configMap: { name: 'coredns' } }],
      },
    },
  },
};

export const PROXY: Loose = {
  metadata: { name: 'kube-proxy', namespace: SYSTEM, labels: labelled('kube-proxy') },
  spec: {
    selector: { matchLabels: labelled('kube-proxy') },
    template: {
      metadata: { labels: labelled('kube-proxy') },
      spec: {
        containers: [
          {
            name: 'kube-proxy',
            command: ['/usr/local/bin/kube-proxy'],
            ports: [{ containerPort: 10256, hostPort: 10256 }],
          },
        ],
        hostNetwork: true,
      },
    },
  },
};

export const DATABASE: Loose = {
  metadata: { name: 'db', namespace: 'default' },
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: { containers: [{ name: 'db', image: 'db' }], volumes: [{ name: 'tmp', emptyDir: {} }] },
    },
    volumeClaimTemplates: [{ metadata: { name: 'data' } }],
  },
};

/** An in-memory cluster whose pods get the status that a test sets. */
export interface World {
  readonly objects: FakeObjectStore;
  readonly access: ObjectAccess;
  readonly clock: FixedClock;
  readonly host: FakeHost;
  /** Runs one step. */
  run(step: Step): Promise<RunResult>;
  rollback(runId: string): ReturnType<typeof rollbackRun>;
  pods(): Promise<readonly KubernetesObject[]>;
  plant(kind: 'Deployment' | 'DaemonSet', object: Loose): StoredObject;
  plantStatefulSet(object: Loose): StoredObject;
  plantNode(name: string, options?: { readonly silent?: boolean; readonly message?: string }): void;
  /** A ReplicaSet of a Deployment with one pod; default: Ready. */
  plantReplica(
    deployment: StoredObject,
    options: { readonly name: string; readonly node?: string; readonly ready?: boolean },
  ): void;
  plantLeader(name: string, holder: string, renewedAt?: string): void;
}

export interface WorldOptions {
  /** The status of a new pod. Default: running and Ready. */
  readonly become?: (pod: KubernetesObject, world: World) => Loose;
  readonly resolveDns?: (query: DnsQuery) => DnsAnswer | undefined;
  readonly via?: 'etcd' | 'api';
  /** The object store. Default: a new one. */
  readonly objects?: FakeObjectStore;
}

export const READY: Loose = {
  phase: 'Running',
  podIP: '10.2.0.9',
  startTime: '2026-11-22T12:00:00Z',
  conditions: [{ type: 'Ready', status: 'True' }],
  containerStatuses: [
    { name: 'main', ready: true, restartCount: 0, state: { running: { startedAt: '2026-11-22T12:00:00Z' } } },
  ],
};

export function createWorld({
  become = () => READY,
  resolveDns,
  via = 'api',
  objects = createFakeObjectStore(),
}: WorldOptions = {}): World {
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const host = createFakeHost({ resolveDns });
  const store: ObjectStore = {
    ...objects,
    create: async (kind, object, options) => {
      const made = await objects.create(kind, object, options);
      if (kind.kind !== 'Pod') return made;
      return objects.replace(made, { ...made.object, status: become(made.object, world) });
    },
  };
  const deps: WorkflowDeps = {
    host,
    clock,
    kinds: createChangeRegistry([
      ...hostChangeKinds(host),
      ...createObjectChangeKinds(async () => store),
      createLeaseReleaseKind(async () => store),
    ]),
    store: openRunStore(host),
    onEvent: () => undefined,
  };
  const world: World = {
    objects,
    clock,
    host,
    access: { source: { via, search: null }, open: async () => store },
    run: (step) => {
      const phase = { id: 'pods', title: 'Pods', steps: async () => [step] };
      const playbook = { id: 'test', title: 'Test', phases: [phase] };
      const { signal } = new AbortController();
      return runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps);
    },
    rollback: (runId) => rollbackRun(runId, deps),
    pods: async () => {
      const pods: KubernetesObject[] = [];
      for await (const { object } of objects.list(RESOURCE_KINDS.Pod)) pods.push(object);
      return pods;
    },
    plant: (kind, object) => objects.plant(RESOURCE_KINDS[kind], object as unknown as KubernetesObject),
    plantStatefulSet: (object) => objects.plant(STATEFUL_SET, object as unknown as KubernetesObject),
    plantNode: (name, { silent = false, message } = {}) => {
      const ready = {
        type: 'Ready',
        status: message === undefined ? 'True' : 'False',
        message,
        lastHeartbeatTime: LONG_AGO,
      };
      objects.plant(RESOURCE_KINDS.Node, { metadata: { name }, status: { conditions: [ready] } });
      const spec = { holderIdentity: name, renewTime: silent ? LONG_AGO : LATER };
      objects.plant(RESOURCE_KINDS.Lease, { metadata: { name, namespace: 'kube-node-lease' }, spec });
    },
    plantReplica: ({ object }, { name, node, ready = true }) => {
      const { namespace = '', uid = '' } = object.metadata;
      const template = (object.spec as { template: { metadata: { labels: Record<string, string> }; spec: Loose } })
        .template;
      const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
      const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
      const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: object.metadata.name, uid, controller: true };
      const set = objects.plant(RESOURCE_KINDS.ReplicaSet, {
        metadata: { name: `${object.metadata.name}-${hash}`, namespace, ownerReferences: [owner] },
        spec: { selector: { matchLabels: labels } },
      });
      const controller = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'x',
        uid: set.object.metadata.uid ?? '',
        controller: true,
      };
      objects.plant(RESOURCE_KINDS.Pod, {
        metadata: { name, namespace, labels, ownerReferences: [controller] },
        spec: { ...template.spec, ...(node === undefined ? {} : { nodeName: node }) },
        status: ready ? READY : { phase: 'Pending' },
      });
    },
    plantLeader: (name, holder, renewedAt = LATER) => {
      objects.plant(RESOURCE_KINDS.Lease, {
        metadata: { name, namespace: SYSTEM },
        spec: { holderIdentity: holder, renewTime: renewedAt },
      });
    },
  };
  for (const name of ['default', 'coredns', 'kube-proxy']) {
    objects.plant(RESOURCE_KINDS.ServiceAccount, { metadata: { name, namespace: SYSTEM } });
  }
  objects.plant(RESOURCE_KINDS.ServiceAccount, { metadata: { name: 'default', namespace: 'default' } });
  objects.plant(RESOURCE_KINDS.Secret, { metadata: { name: 'kube-controller-manager', namespace: SYSTEM } });
  objects.plant(RESOURCE_KINDS.ConfigMap, {
    metadata: { name: 'coredns', namespace: SYSTEM },
    data: { Corefile: '.:53 {\n    kubernetes cluster.example in-addr.arpa ip6.arpa {\n    }\n}\n' },
  });
  objects.plant(RESOURCE_KINDS.Service, {
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { clusterIP: '10.3.0.1', ports: [{ port: 443 }] },
  });
  objects.plant(RESOURCE_KINDS.Service, {
    metadata: { name: 'kube-dns', namespace: SYSTEM },
    spec: { clusterIP: '10.3.0.10', selector: labelled('kube-dns') },
  });
  world.plantNode('cp1');
  return world;
}
