import type { ClusterNode } from '../machine/lab-directory.ts';
import { nodeCgroup } from '../machine/lab-directory.ts';
import type { KubernetesRelease } from './kubernetes-release.ts';

/** The algorithm of every key in the cluster: RSA-2048 or ECDSA P-256, as kubeadm supports since 1.20. */
export type KeyAlgorithm = 'RSA' | 'ECDSA';

const SERVICE_SUBNET = '10.96.0.0/12';
/** Since 1.31 (v1beta4) extra arguments are lists of name and value, and the key algorithm is a field. */
const V1BETA4_SINCE = 31;
/** Since 1.35 a kubelet does not start on version 1 control groups by default. */
const CGROUP_V1_REFUSED_SINCE = 35;

/**
 * The configuration for every `kubeadm init phase` of a node, as the kubeadm of `release` reads it.
 *
 * It has no podSubnet: the node IPAM controller delays kube-controller-manager by ten seconds, and a lab's network plugin
 * has its network already.
 */
export function renderKubeadmConfig(node: ClusterNode, keyAlgorithm: KeyAlgorithm, release: KubernetesRelease): string {
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
---
apiVersion: ${api}
kind: ClusterConfiguration
clusterName: lab
kubernetesVersion: ${version}
imageRepository: ${imageRepository}
etcd:
  local:
    imageTag: ${etcdImageTag}
networking:
  serviceSubnet: ${SERVICE_SUBNET}
${keys}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /${nodeCgroup(node)}
failSwapOn: false
${minor >= CGROUP_V1_REFUSED_SINCE ? 'failCgroupV1: false\n' : ''}# Never evict, even when the machine's disk is full.
evictionHard:
  imagefs.available: 0%
  nodefs.available: 0%
  nodefs.inodesFree: 0%
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
`;
}
