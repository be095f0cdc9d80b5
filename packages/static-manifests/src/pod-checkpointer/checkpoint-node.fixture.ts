import { type KubernetesObject, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Host, type HostPath, hostPath, parentPath, type ProcessInfo, type ServiceState } from '@kube-rescue/host';
import { createFakeHost, createFakeObjectStore, type FakeObjectStore, treeOf } from '@kube-rescue/testing';

export const DIRECTORY = hostPath('/etc/kubernetes/manifests');
export const INACTIVE = hostPath('/etc/kubernetes/inactive-manifests');
export const SECRETS = hostPath('/etc/kubernetes/checkpoint-secrets');
export const API = 'kube-apiserver-2rdtv';
export const CHECKPOINTER = 'pod-checkpointer-8jms9';
export const API_UID = '325805ad-0000-4000-8000-000000000001';
const CHECKPOINTER_UID = '325805ad-0000-4000-8000-000000000002';
/** The kubelet's UIDs for static pods. */
export const API_COPY_UID = 'a'.repeat(32);
const CHECKPOINTER_COPY_UID = 'b'.repeat(32);
export const OLD = 'expired';
export const NEW = 'renewed';

const API_SECRET = {
  'ca.crt': 'old ca',
  'apiserver.crt': OLD,
  'apiserver.key': 'key',
  'etcd-client-ca.crt': 'etcd ca',
  'etcd-client.crt': OLD,
  'etcd-client.key': 'key',
};

/** A manifest in the checkpointer's format: one line of compact JSON and a newline. */
export function apiManifest(change: (pod: Record<string, unknown>) => unknown = (pod) => pod): string {
  const pod = {
    ...{ kind: 'Pod', apiVersion: 'v1' },
    metadata: {
      ...{ name: API, namespace: 'kube-system', creationTimestamp: null },
      labels: { 'controller-revision-hash': '7b46b6449c', 'k8s-app': 'kube-apiserver', 'pod-template-generation': '1' },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint-of': API },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: API, uid: API_UID, controller: true }],
    },
    spec: {
      volumes: [
        { name: 'ssl-certs-host', hostPath: { path: '/usr/share/ca-certificates', type: '' } },
        { name: 'secrets', hostPath: { path: `${SECRETS}/kube-system/${API}/kube-apiserver` } },
        { name: 'default-token-bzn5p', hostPath: { path: `${SECRETS}/kube-system/${API}/default-token-bzn5p` } },
      ],
      containers: [
        {
          name: 'kube-apiserver',
          image: 'registry.example.test/kube-apiserver:v1.20.2',
          command: [
            'kube-apiserver',
            '--client-ca-file=/etc/kubernetes/secrets/ca.crt',
            '--etcd-cafile=/etc/kubernetes/secrets/etcd-client-ca.crt',
            '--etcd-certfile=/etc/kubernetes/secrets/etcd-client.crt',
            '--etcd-keyfile=/etc/kubernetes/secrets/etcd-client.key',
            '--etcd-servers=https://10.200.0.11:2379',
            '--secure-port=6443',
            '--tls-cert-file=/etc/kubernetes/secrets/apiserver.crt',
            '--tls-private-key-file=/etc/kubernetes/secrets/apiserver.key',
          ],
          volumeMounts: [
            { name: 'ssl-certs-host', readOnly: true, mountPath: '/etc/ssl/certs' },
            { name: 'secrets', readOnly: true, mountPath: '/etc/kubernetes/secrets' },
            { name: 'default-token-bzn5p', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
          ],
        },
      ],
      ...{ restartPolicy: 'Always', nodeName: 'cp1', hostNetwork: true, priority: 0 },
      ...{ nodeSelector: { 'node-role.kubernetes.io/master': '' }, securityContext: { runAsUser: 65_534 } },
    },
    status: {},
  };
  return `${JSON.stringify(change(pod))}\n`;
}

export function checkpointerManifest(): string {
  const pod = {
    ...{ kind: 'Pod', apiVersion: 'v1' },
    metadata: {
      ...{ name: CHECKPOINTER, namespace: 'kube-system', creationTimestamp: null },
      labels: { 'k8s-app': 'pod-checkpointer' },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint-of': CHECKPOINTER },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: CHECKPOINTER, uid: CHECKPOINTER_UID, controller: true }],
    },
    spec: {
      volumes: [
        { name: 'etc-kubernetes', hostPath: { path: '/etc/kubernetes', type: '' } },
        { name: 'var-run', hostPath: { path: '/var/run', type: '' } },
      ],
      containers: [
        {
          name: 'pod-checkpointer',
          image: 'registry.example.test/pod-checkpointer:1',
          command: ['/checkpoint', '--lock-file=/var/run/lock/pod-checkpointer.lock'],
          volumeMounts: [
            { name: 'etc-kubernetes', mountPath: '/etc/kubernetes' },
            { name: 'var-run', mountPath: '/var/run' },
          ],
        },
      ],
      ...{ nodeName: 'cp1', hostNetwork: true },
    },
    status: {},
  };
  return `${JSON.stringify(pod)}\n`;
}

export interface CheckpointNode {
  readonly host: Host;
  readonly store: FakeObjectStore;
  readonly objects: ObjectAccess;
  /** Processes by pid; `kill` ends them as on a real machine. */
  readonly running: Map<number, ProcessInfo>;
  /** Actions on services and processes, in order. */
  readonly events: string[];
}

export interface CheckpointNodeOptions {
  /** Further files; these override the defaults. */
  readonly files?: Readonly<Record<string, string>>;
  /** Default: the API server's, from its parent, and both checkpointers'. */
  readonly processes?: readonly ProcessInfo[];
  /** The status of the kubelet's service. Default: `running`. */
  readonly kubelet?: ServiceState;
  /** The processes that the kubelet starts; also as a side effect on the files. */
  readonly onKubeletStart?: (node: CheckpointNode) => void;
  readonly request?: (node: CheckpointNode) => { readonly status: number; readonly serialNumber: string } | undefined;
  /** Processes that only KILL ends. */
  readonly stubborn?: readonly number[];
}

/** A self-hosted control-plane node whose API server's certificates have expired, on disk and in the cluster. */
export async function createCheckpointNode(options: CheckpointNodeOptions = {}): Promise<CheckpointNode> {
  const logs = [
    `kube-system_${API}_${API_UID}`,
    `kube-system_${API}-cp1_${API_COPY_UID}`,
    `kube-system_${CHECKPOINTER}_${CHECKPOINTER_UID}`,
    `kube-system_${CHECKPOINTER}-cp1_${CHECKPOINTER_COPY_UID}`,
  ];
  const running = new Map<number, ProcessInfo>(
    (options.processes ?? healthyProcesses()).map((process) => [process.pid, process]),
  );
  const events: string[] = [];
  const fake = createFakeHost({
    tree: treeOf({
      [`${INACTIVE}/kube-system-${API}.json`]: apiManifest(),
      [`${INACTIVE}/kube-system-${CHECKPOINTER}.json`]: checkpointerManifest(),
      [`${DIRECTORY}/kube-system-${CHECKPOINTER}.json`]: checkpointerManifest(),
      ...Object.fromEntries(logs.map((name) => [`/var/log/pods/${name}/container/0.log`, ''])),
      ...options.files,
    }),
    services: { kubelet: options.kubelet ?? 'running' },
    processes: () => [...running.values()],
    request: () => {
      const answer = options.request?.(node);
      if (answer === undefined) return undefined;
      const { status, serialNumber } = answer;
      const peer = { serialNumber, fingerprint256: '', validTo: new Date(0), trusted: false, reason: undefined };
      return { status, body: 'ok', peer };
    },
    exec: ([program, signal = '', ...pids]) => {
      if (program !== 'kill') return undefined;
      events.push(`kill ${signal} ${pids.join(' ')}`);
      for (const pid of pids.map(Number)) {
        if (signal === '-KILL' || options.stubborn?.includes(pid) !== true) running.delete(pid);
      }
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const owner = { uid: 65_534, gid: 0 };
  for (const [key, text] of Object.entries(API_SECRET)) {
    const path = hostPath(`${SECRETS}/kube-system/${API}/kube-apiserver/${key}`);
    await fake.makeDirectory(parentPath(path), { mode: 0o700 });
    await fake.writeFile(path, Buffer.from(text), { mode: 0o600, owner });
  }
  const token = hostPath(`${SECRETS}/kube-system/${API}/default-token-bzn5p/token`);
  await fake.makeDirectory(parentPath(token), { mode: 0o700 });
  await fake.writeFile(token, Buffer.from('token'), { mode: 0o600, owner });
  const host: Host = {
    ...fake,
    services: {
      status: (name) => fake.services.status(name),
      act: async (action, name) => {
        events.push(`${action} ${name}`);
        await fake.services.act(action, name);
        if (action === 'stop') running.delete(50);
        else running.set(50, kubelet());
        if (action !== 'stop') options.onKubeletStart?.(node);
      },
    },
  };
  const store = createFakeObjectStore();
  store.plant(RESOURCE_KINDS.Secret, secretOf('kube-apiserver', API_SECRET));
  store.plant(RESOURCE_KINDS.Secret, secretOf('default-token-bzn5p', { token: 'token' }));
  const objects: ObjectAccess = { source: { via: 'etcd', search: null }, open: async () => store };
  const node: CheckpointNode = { host, store, objects, running, events };
  return node;
}

function kubelet(): ProcessInfo {
  return { pid: 50, argv: ['/usr/bin/kubelet'], startTicks: 10, cgroup: '0::/\n', hasOtherNetwork: false };
}

export function podProcess(pid: number, podUid: string, program: string): ProcessInfo {
  return {
    pid,
    argv: [program],
    startTicks: pid,
    cgroup: `0::/kubepods/pod${podUid}/${String(pid).padStart(64, '0')}\n`,
    hasOtherNetwork: false,
  };
}

export function healthyProcesses(): readonly ProcessInfo[] {
  return [
    kubelet(),
    podProcess(100, API_UID, '/pause'),
    podProcess(101, API_UID, 'kube-apiserver'),
    podProcess(110, CHECKPOINTER_UID, '/pause'),
    podProcess(111, CHECKPOINTER_UID, '/checkpoint'),
    podProcess(120, CHECKPOINTER_COPY_UID, '/pause'),
    podProcess(121, CHECKPOINTER_COPY_UID, '/checkpoint'),
    podProcess(200, 'd'.repeat(32), 'kube-proxy'),
  ];
}

function secretOf(name: string, texts: Readonly<Record<string, string>>): KubernetesObject {
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'kube-system', name }, type: 'Opaque', data };
}

export function cachedPath(key: string): HostPath {
  return hostPath(`${SECRETS}/kube-system/${API}/kube-apiserver/${key}`);
}

export async function readText(host: Pick<Host, 'readFile'>, path: HostPath): Promise<string | undefined> {
  const bytes = await host.readFile(path);
  return bytes && new TextDecoder().decode(bytes);
}
