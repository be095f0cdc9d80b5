import { type KubernetesObject, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { ExecResult } from '@kube-rescue/host';
import { createFakeHost, createFakeObjectStore, type FakeHost, type NodeTree, treeOf } from '@kube-rescue/testing';

export const NODE = 'cp1';
export const SUBNET_FILE = '/run/flannel/subnet.env';
export const DIRECTORY = '/etc/kubernetes/cni/net.d';
export const CONFIGURATION_FILE = `${DIRECTORY}/10-flannel.conflist`;
const CONTAINERD_CONFIG = `version = 2
[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = "${DIRECTORY}"
  bin_dir = "/opt/cni/bin"
`;
export const CNI_CONF = JSON.stringify({
  name: 'cbr0',
  cniVersion: '0.3.1',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});
export const NET_CONF = JSON.stringify({ Network: '10.2.0.0/16', Backend: { Type: 'vxlan', Port: 4789 } });
export const SUBNET_ENV = `FLANNEL_NETWORK=10.2.0.0/16
FLANNEL_SUBNET=10.2.3.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
`;

type Fields = Readonly<Record<string, unknown>>;

export function node(spec: Fields = { podCIDR: '10.2.3.0/24', podCIDRs: ['10.2.3.0/24'] }): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, labels: { 'kubernetes.io/arch': 'amd64' } },
    spec,
    status: { addresses: [{ type: 'InternalIP', address: '10.200.0.11' }] },
  };
}

export function configMap(data: Fields = { 'net-conf.json': NET_CONF, 'cni-conf.json': CNI_CONF }): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-system', name: 'kube-flannel-cfg' },
    data,
  };
}

/** The upstream DaemonSet of flannel, with the directories of Tectonic. */
export function flannel(changes: Fields = {}, args = ['--ip-masq', '--kube-subnet-mgr']): KubernetesObject {
  const mounts = [
    { name: 'run', mountPath: '/run/flannel' },
    { name: 'cni', mountPath: '/etc/cni/net.d' },
    { name: 'cfg', mountPath: '/etc/kube-flannel/' },
  ];
  const image = 'quay.io/coreos/flannel:v0.11.0-amd64';
  const copy = ['-f', '/etc/kube-flannel/cni-conf.json', '/etc/cni/net.d/10-flannel.conflist'];
  return daemonSet('kube-flannel', {
    initContainers: [{ name: 'install-cni', image, command: ['cp'], args: copy, volumeMounts: mounts }],
    containers: [{ name: 'kube-flannel', image, command: ['/opt/bin/flanneld'], args, volumeMounts: mounts }],
    volumes: [
      { name: 'run', hostPath: { path: '/run/flannel' } },
      { name: 'cni', hostPath: { path: DIRECTORY } },
      { name: 'cfg', configMap: { name: 'kube-flannel-cfg' } },
    ],
    ...changes,
  });
}

export function daemonSet(name: string, spec: Fields): KubernetesObject {
  const metadata = { namespace: 'kube-system', name };
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { template: { metadata: {}, spec } } };
}

/** The pod of a DaemonSet on {@link NODE}. */
export function podOf(name: string, status: Fields): KubernetesObject {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: 'a' }];
  const metadata = { namespace: 'kube-system', name: `${name}-x7q2p`, ownerReferences };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: NODE }, status };
}

export function access(objects: readonly KubernetesObject[]): ObjectAccess {
  const store = createFakeObjectStore();
  for (const object of objects) {
    store.plant(RESOURCE_KINDS[object.kind as keyof typeof RESOURCE_KINDS], object);
  }
  return { source: { via: 'etcd', search: {} }, open: async () => store };
}

export const HEALTHY: readonly KubernetesObject[] = [node(), configMap(), flannel()];

const PROGRAMS = ['flannel', 'bridge', 'host-local', 'portmap'];

/** A host with the directories and binaries of the plugins and `files`; `undefined` removes one. */
export function machine(
  files: Readonly<Record<string, string | undefined>> = {},
  plugin: (directory: NodeTree) => ExecResult = () =>
    refused('failed to delegate add: failed to find plugin "kube-rescue-no-delegate" in path'),
): FakeHost {
  const programs = Object.fromEntries(PROGRAMS.map((name) => [`/opt/cni/bin/${name}`, 'ELF']));
  const all = { '/etc/containerd/config.toml': CONTAINERD_CONFIG, ...programs, ...files };
  const present = Object.entries(all).flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const]));
  const tree = treeOf(Object.fromEntries(present));
  return createFakeHost({
    tree,
    exec: (argv) => (argv[0] === 'ip' ? answerIp(argv.slice(2).join(' ')) : plugin(tree)),
  });
}

export function refused(msg: string): ExecResult {
  return { exitCode: 1, stdout: JSON.stringify({ cniVersion: '0.3.1', code: 999, msg }), stderr: '' };
}

const IP: Readonly<Record<string, string>> = {
  'link show': [
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT',
    '2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT',
    '3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP mode DEFAULT',
  ].join('\n'),
  'addr show': [
    '1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever',
    '2: eth0    inet 10.200.0.11/24 brd 10.200.0.255 scope global eth0\\       valid_lft forever',
    '2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever',
    '3: eth1    inet 192.168.7.4/24 scope global eth1\\       valid_lft forever preferred_lft forever',
  ].join('\n'),
  'route show default': '',
  '-6 route show default': '',
};

function answerIp(words: string): ExecResult {
  return { exitCode: 0, stdout: IP[words] ?? '', stderr: '' };
}
