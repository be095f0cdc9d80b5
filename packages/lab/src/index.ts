export { type Cluster, type ClusterInput, createCluster } from './cluster.ts';
export type { LabDeps, LabProgress } from './deps.ts';
export { LabError, type LabErrorCode } from './errors.ts';
export type { KeyAlgorithm } from './kubeadm-config.ts';
export { type KubernetesBinaries, type KubernetesBinariesInput, provideKubernetesBinaries } from './kubernetes-binaries.ts';
export { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';
export type { ClusterNode } from './lab-folder.ts';
export { type Leftover, listLeftovers, type RemoveLeftoversInput, removeLeftovers } from './leftovers.ts';
