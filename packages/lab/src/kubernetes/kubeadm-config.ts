import type { ClusterNode } from '../machine/lab-directory.ts';
import { nodeCgroup } from '../machine/lab-directory.ts';
import { KUBERNETES_VERSION } from './kubernetes-version.ts';

/** The algorithm of every key in the cluster: RSA-2048 or ECDSA P-256, as kubeadm 1.20 supports. */
export type KeyAlgorithm = 'RSA' | 'ECDSA';

const SERVICE_SUBNET = '10.96.0.0/12';

/**
 * The configuration for every `kubeadm init phase` of a node.
 *
 * It has no podSubnet: the node IPAM controller delays kube-controller-manager by ten seconds, and a lab's network plugin
 * has its network already.
 */
export function renderKubeadmConfig(node: ClusterNode, keyAlgorithm: KeyAlgorithm): string {
  return `apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: ${node.address}
  bindPort: 6443
nodeRegistration:
  name: ${node.name}
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
  kubeletExtraArgs:
    node-ip: ${node.address}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
clusterName: lab
kubernetesVersion: ${KUBERNETES_VERSION}
networking:
  serviceSubnet: ${SERVICE_SUBNET}
featureGates:
  PublicKeysECDSA: ${keyAlgorithm === 'ECDSA'}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /${nodeCgroup(node)}
failSwapOn: false
# Never evict, even when the machine's disk is full.
evictionHard:
  imagefs.available: 0%
  nodefs.available: 0%
  nodefs.inodesFree: 0%
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
`;
}
