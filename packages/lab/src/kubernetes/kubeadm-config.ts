import { API_SERVER_DIRECTORY, API_SERVER_FLAGS } from '../addons/api-server-files.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import { nodeCgroup } from '../machine/lab-directory.ts';
import { COREDNS_VERSION } from './addon-binaries.ts';
import type { KubernetesRelease } from './kubernetes-release.ts';

/** The algorithm of every key in the cluster: RSA-2048 or ECDSA P-256, as kubeadm supports since 1.20. */
export type KeyAlgorithm = 'RSA' | 'ECDSA';

const SERVICE_SUBNET = '10.96.0.0/12';
/** Since 1.31 (v1beta4) extra arguments are lists of name and value, and the key algorithm is a field. */
const V1BETA4_SINCE = 31;
/** Since 1.35 a kubelet does not start on version 1 control groups by default. */
const CGROUP_V1_REFUSED_SINCE = 35;

/** The network of all pods: each node has a part of it. */
const POD_NETWORK = '10.244.0.0/16';
/** Where the kubelets of a cluster with addons read further settings (kubernetes.io, "Kubelet Configuration Directory"). */
export const KUBELET_DROP_INS = '/etc/kubernetes/kubelet.conf.d';
/** A resolv.conf that names no server of this machine. */
export const RESOLV_CONF = '/etc/kubernetes/resolv.conf';

export interface KubeadmConfigInput {
  readonly node: ClusterNode;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly release: KubernetesRelease;
  /** Needs 1.31. Default: false. */
  readonly hasAddons?: boolean | undefined;
  /** `HOST:PORT` in front of several API servers; needs 1.31. Default: none, there is one API server. */
  readonly endpoint?: string | undefined;
}

/**
 * The configuration for every `kubeadm init phase` of a node, as the kubeadm of `release` reads it.
 *
 * It has no podSubnet: the node IPAM controller delays kube-controller-manager by ten seconds, and a lab's network plugin
 * has its network already.
 */
export function renderKubeadmConfig(input: KubeadmConfigInput): string {
  const { node, keyAlgorithm, release, hasAddons = false, endpoint } = input;
  // kubeadm gives every kubelet of a cluster the same configuration: what differs is in the drop-in of each.
  const hasDropIn = hasAddons || endpoint !== undefined;
  const { version, minor, etcdImageTag, imageRepository } = release;
  const isV1beta4 = minor >= V1BETA4_SINCE;
  const api = `kubeadm.k8s.io/${isV1beta4 ? 'v1beta4' : 'v1beta2'}`;
  const nodeIp = isV1beta4 ? `- name: node-ip\n      value: ${node.address}` : `node-ip: ${node.address}`;
  const keys = isV1beta4
    ? `encryptionAlgorithm: ${keyAlgorithm === 'ECDSA' ? 'ECDSA-P256' : 'RSA-2048'}`
    : `featureGates:\n  PublicKeysECDSA: ${keyAlgorithm === 'ECDSA'}`;
  return `apiVersion: ${api}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: ${node.address}
  bindPort: 6443
nodeRegistration:
  name: ${node.name}
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
  kubeletExtraArgs:
    ${nodeIp}
${hasDropIn ? KUBELET_DROP_IN_ARGUMENT : ''}---
apiVersion: ${api}
kind: ClusterConfiguration
clusterName: lab
${endpoint === undefined ? '' : `controlPlaneEndpoint: ${endpoint}\n`}kubernetesVersion: ${version}
imageRepository: ${imageRepository}
etcd:
  local:
    imageTag: ${etcdImageTag}
networking:
  serviceSubnet: ${SERVICE_SUBNET}
${keys}
${hasAddons ? API_SERVER_WITH_ADDONS : ''}---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
${hasDropIn ? '' : `${cgroupRoot(node)}\n`}failSwapOn: false
${minor >= CGROUP_V1_REFUSED_SINCE ? 'failCgroupV1: false\n' : ''}# Never evict, even when the machine's disk is full.
evictionHard:
  imagefs.available: 0%
  nodefs.available: 0%
  nodefs.inodesFree: 0%
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
${hasAddons ? PROXY : ''}`;
}

/**
 * The settings of a node's kubelet in {@link KUBELET_DROP_INS}: kubeadm gives every kubelet the same file.
 *
 * @param requestsServing it requests its serving certificate from the cluster
 */
export function renderKubeletDropIn(node: ClusterNode, { requestsServing }: { requestsServing: boolean }): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
${cgroupRoot(node)}
resolvConf: ${RESOLV_CONF}
${requestsServing ? 'serverTLSBootstrap: true\n' : ''}`;
}

/** How a node joins: `caHash` is `sha256:...` of the CA's public key. */
export interface JoinInput {
  readonly server: string;
  readonly token: string;
  readonly caHash: string;
  readonly as: 'worker' | 'control plane';
}

/** The configuration for `kubeadm join`. */
export function renderJoinConfig(node: ClusterNode, { server, token, caHash, as }: JoinInput): string {
  return `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: ${server}
    token: ${token}
    caCertHashes: [${caHash}]
nodeRegistration:
  name: ${node.name}
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
  kubeletExtraArgs:
    - name: node-ip
      value: ${node.address}
${KUBELET_DROP_IN_ARGUMENT}${as === 'worker' ? '' : localEndpoint(node)}`;
}

function localEndpoint({ address }: ClusterNode): string {
  return `controlPlane:
  localAPIEndpoint:
    advertiseAddress: ${address}
    bindPort: 6443
`;
}

function cgroupRoot(node: ClusterNode): string {
  return `cgroupRoot: /${nodeCgroup(node)}`;
}

const KUBELET_DROP_IN_ARGUMENT = `    - name: config-dir
      value: ${KUBELET_DROP_INS}
`;

const API_SERVER_WITH_ADDONS = `dns:
  imageTag: ${COREDNS_VERSION}
apiServer:
  extraArgs:
${Object.entries(API_SERVER_FLAGS)
  .map(([name, value]) => `    - name: ${name}\n      value: ${value}\n`)
  .join('')}  extraVolumes:
    - name: api-server-files
      hostPath: ${API_SERVER_DIRECTORY}
      mountPath: ${API_SERVER_DIRECTORY}
      readOnly: true
      pathType: DirectoryOrCreate
`;

/** A lab must not resize the machine's conntrack table. */
const PROXY = `---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: ${POD_NETWORK}
conntrack:
  maxPerCore: 0
  tcpEstablishedTimeout: 0s
  tcpCloseWaitTimeout: 0s
`;
