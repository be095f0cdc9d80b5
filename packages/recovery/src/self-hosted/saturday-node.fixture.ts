import { generateKeyPairSync } from 'node:crypto';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { hostPath } from '@kube-rescue/host';
import {
  createFakeObjectStore,
  type FakeObjectStore,
  issueCertificate,
  type KeyPair,
  type NodeTree,
  treeOf,
} from '@kube-rescue/testing';

export const NOW = new Date('2026-11-22T12:00:00Z');
export const SET = hostPath('/home/core/tls_rotate/generated');
export const CACHED = '/etc/kubernetes/checkpoint-secrets/kube-system/kube-apiserver-2rdtv/kube-apiserver';
const DAY_MS = 24 * 60 * 60 * 1000;
const API = 'saturday-api.example.test';

const CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'];

function leaf(usages: string, names = ''): readonly string[] {
  return [`extendedKeyUsage=${usages}`, ...(names === '' ? [] : [`subjectAltName=${names}`])];
}

const API_NAMES = `DNS:${API},DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:10.3.0.1`;
const KUBE = {
  apiserver: { subject: '/CN=kube-apiserver/O=kube-master', extensions: leaf('serverAuth,clientAuth', API_NAMES) },
  kubelet: { subject: '/CN=kubelet/O=system:masters', extensions: leaf('clientAuth') },
};
const ETCD = {
  server: { subject: '/CN=etcd/O=etcd', extensions: leaf('serverAuth', 'IP:10.200.0.11') },
  peer: { subject: '/CN=etcd/O=etcd', extensions: leaf('serverAuth,clientAuth', 'IP:10.200.0.11') },
  client: { subject: '/CN=etcd/O=etcd', extensions: leaf('clientAuth') },
};

type KubePki = Readonly<Record<'ca' | keyof typeof KUBE, KeyPair>>;
type EtcdPki = Readonly<Record<'ca' | keyof typeof ETCD, KeyPair>>;

/** The Saturday incident: the old certificates, etcd's new ones, and the set to adopt. */
export interface Saturday {
  readonly old: KubePki;
  readonly next: KubePki;
  readonly oldEtcd: EtcdPki;
  readonly etcd: EtcdPki;
  readonly tree: NodeTree;
  readonly store: FakeObjectStore;
  /** The files of the set by their path below its directory. */
  readonly set: Readonly<Record<string, string>>;
}

async function issueAll<N extends string>(
  recipes: Readonly<Record<N, { readonly subject: string; readonly extensions: readonly string[] }>>,
  caSubject: string,
  days: readonly [from: number, to: number],
): Promise<Readonly<Record<N | 'ca', KeyPair>>> {
  const [notBefore, notAfter] = days.map((day) => new Date(NOW.getTime() + day * DAY_MS)) as [Date, Date];
  const caKey = newKey();
  const ca = {
    key: caKey,
    certificate: await issueCertificate({ subject: caSubject, extensions: CA, notBefore, notAfter, key: caKey }),
  };
  const made = Object.entries<{ subject: string; extensions: readonly string[] }>(recipes).map(
    async ([name, recipe]) => {
      const key = newKey();
      return [name, { key, certificate: await issueCertificate({ ...recipe, notBefore, notAfter, key, issuer: ca }) }];
    },
  );
  return { ca, ...Object.fromEntries(await Promise.all(made)) } as Readonly<Record<N | 'ca', KeyPair>>;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}

/** A self-hosted control-plane node with a pod checkpointer, after a reboot, and the objects that a recovery reads. */
export async function makeSaturday(): Promise<Saturday> {
  const past = [-400, -1] as const;
  const present = [-2, 3650] as const;
  const [old, next, oldEtcd, etcd] = await Promise.all([
    issueAll(KUBE, '/CN=kube-ca/O=bootkube', past),
    issueAll(KUBE, '/CN=kube-ca/O=bootkube', present),
    issueAll(ETCD, '/CN=etcd-ca/O=etcd', past),
    issueAll(ETCD, '/CN=etcd-ca/O=etcd', present),
  ]);
  const secret = apiServerSecret(old, oldEtcd);
  const tree = treeOf({
    ...Object.fromEntries(Object.entries(secret).map(([key, text]) => [`${CACHED}/${key}`, text])),
    '/etc/kubernetes/inactive-manifests/kube-system-kube-apiserver-2rdtv.json': JSON.stringify(checkpoint()),
    '/etc/kubernetes/manifests/.keep': '',
    '/etc/kubernetes/kubeconfig': kubeconfig(old),
    '/etc/kubernetes/ca.crt': old.ca.certificate,
    '/etc/systemd/system/kubelet.service': KUBELET_UNIT,
    '/etc/systemd/system/etcd-member.service': ETCD_UNIT,
    '/etc/ssl/etcd/ca.crt': etcd.ca.certificate,
    ...pairFiles('/etc/ssl/etcd', etcd, ['server', 'peer', 'client']),
    '/proc/uptime': '1000.00 1.00\n',
  });
  return { old, next, oldEtcd, etcd, tree, store: plantObjects(old, secret), set: setFiles(next, etcd, old) };
}

function apiServerSecret(kube: KubePki, etcd: EtcdPki): Readonly<Record<string, string>> {
  return {
    'ca.crt': kube.ca.certificate,
    'oidc-ca.crt': kube.ca.certificate,
    'apiserver.crt': kube.apiserver.certificate,
    'apiserver.key': kube.apiserver.key,
    'etcd-client-ca.crt': etcd.ca.certificate,
    'etcd-client.crt': etcd.client.certificate,
    'etcd-client.key': etcd.client.key,
    'service-account.pub': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
  };
}

function pairFiles<N extends string>(
  directory: string,
  pairs: Readonly<Record<N, KeyPair>>,
  names: readonly N[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`${directory}/${name}.crt`, pairs[name].certificate],
      [`${directory}/${name}.key`, pairs[name].key],
    ]),
  );
}

/** The layout of tls_rotate. */
function setFiles(kube: KubePki, etcd: EtcdPki, old: KubePki): Readonly<Record<string, string>> {
  return {
    ...pairFiles('tls', kube, ['ca', 'apiserver', 'kubelet']),
    'tls/old_new_ca.crt': old.ca.certificate + kube.ca.certificate,
    ...pairFiles('tls/etcd', etcd, ['ca', 'server', 'peer', 'client']),
    'auth/kubeconfig': kubeconfig(kube),
    'patches/step_3/final_kubeconfig': kubeconfig(kube),
  };
}

function kubeconfig({ ca, kubelet }: KubePki): string {
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://${API}:6443
    certificate-authority-data: ${data(ca.certificate)}
users:
- name: kubelet
  user:
    client-certificate-data: ${data(kubelet.certificate)}
    client-key-data: ${data(kubelet.key)}
contexts:
- context:
    cluster: local
    user: kubelet
  name: local
current-context: local
`;
}

const SECRETS = '/etc/kubernetes/secrets';
const API_COMMAND = [
  '/usr/local/bin/kube-apiserver',
  '--secure-port=6443',
  '--service-cluster-ip-range=10.3.0.0/16',
  '--etcd-servers=https://10.200.0.11:2379',
  `--client-ca-file=${SECRETS}/ca.crt`,
  `--oidc-ca-file=${SECRETS}/oidc-ca.crt`,
  `--tls-cert-file=${SECRETS}/apiserver.crt`,
  `--tls-private-key-file=${SECRETS}/apiserver.key`,
  `--kubelet-client-certificate=${SECRETS}/apiserver.crt`,
  `--kubelet-client-key=${SECRETS}/apiserver.key`,
  `--etcd-cafile=${SECRETS}/etcd-client-ca.crt`,
  `--etcd-certfile=${SECRETS}/etcd-client.crt`,
  `--etcd-keyfile=${SECRETS}/etcd-client.key`,
];

function checkpoint(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'kube-apiserver-2rdtv',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-apiserver' },
      annotations: { 'checkpointer.alpha.coreos.com/checkpoint-of': 'kube-apiserver-2rdtv' },
    },
    spec: {
      hostNetwork: true,
      nodeName: 'cp1',
      containers: [
        {
          name: 'kube-apiserver',
          image: 'kube-apiserver',
          command: API_COMMAND,
          volumeMounts: [{ name: 'secrets', mountPath: SECRETS }],
        },
      ],
      volumes: [{ name: 'secrets', hostPath: { path: CACHED } }],
    },
    status: {},
  };
}

function plantObjects(old: KubePki, secret: Readonly<Record<string, string>>): FakeObjectStore {
  const store = createFakeObjectStore();
  const encode = (texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
  const namespace = 'kube-system';
  store.plant(RESOURCE_KINDS.Secret, { metadata: { name: 'kube-apiserver', namespace }, data: encode(secret) });
  const managerKeys = { 'ca.crt': old.ca.certificate, 'service-account.key': old.apiserver.key };
  store.plant(RESOURCE_KINDS.Secret, {
    metadata: { name: 'kube-controller-manager', namespace },
    data: encode(managerKeys),
  });
  store.plant(RESOURCE_KINDS.Secret, {
    metadata: { name: 'default-token-1', namespace: 'default' },
    type: 'kubernetes.io/service-account-token',
    data: encode({ 'ca.crt': old.ca.certificate, namespace: 'default', token: 'secret' }),
  });
  store.plant(RESOURCE_KINDS.Deployment, {
    metadata: { name: 'kube-controller-manager', namespace },
    spec: {
      template: {
        metadata: { labels: { 'k8s-app': 'kube-controller-manager' } },
        spec: {
          containers: [
            {
              name: 'kube-controller-manager',
              image: 'x',
              command: [
                '/usr/local/bin/kube-controller-manager',
                `--root-ca-file=${SECRETS}/ca.crt`,
                `--service-account-private-key-file=${SECRETS}/service-account.key`,
              ],
              volumeMounts: [{ name: 'secrets', mountPath: SECRETS }],
            },
          ],
          volumes: [{ name: 'secrets', secret: { secretName: 'kube-controller-manager' } }],
        },
      },
    },
  });
  return store;
}

const KUBELET_UNIT = `[Service]
ExecStart=/opt/bin/kubelet \\
  --kubeconfig=/etc/kubernetes/kubeconfig \\
  --pod-manifest-path=/etc/kubernetes/manifests \\
  --client-ca-file=/etc/kubernetes/ca.crt \\
  --hostname-override=cp1
`;

const ETCD_UNIT = `[Service]
Environment="ETCD_NAME=cp1"
ExecStart=/usr/bin/etcd \\
  --listen-client-urls=https://0.0.0.0:2379 \\
  --advertise-client-urls=https://10.200.0.11:2379 \\
  --trusted-ca-file=/etc/ssl/etcd/ca.crt \\
  --cert-file=/etc/ssl/etcd/server.crt --key-file=/etc/ssl/etcd/server.key \\
  --peer-trusted-ca-file=/etc/ssl/etcd/ca.crt \\
  --peer-cert-file=/etc/ssl/etcd/peer.crt --peer-key-file=/etc/ssl/etcd/peer.key
`;

export function setTree(files: Readonly<Record<string, string>>): NodeTree {
  return treeOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${SET}/${name}`, text])));
}
