export { type Cluster, type ClusterInput, createCluster } from './cluster.ts';
export { provideDebianPackages } from './debian-packages.ts';
export type { LabDeps, LabProgress } from './deps.ts';
export { LabError, type LabErrorCode } from './errors.ts';
export { proveEtcdSnapshot } from './etcd-snapshot-proof.ts';
export { type FileSnapshot, snapshotFiles } from './file-snapshot.ts';
export type { KeyAlgorithm } from './kubeadm-config.ts';
export {
  type KubernetesBinaries,
  type KubernetesBinariesInput,
  provideKubernetesBinaries,
} from './kubernetes-binaries.ts';
export { KUBERNETES_BINARIES, KUBERNETES_VERSION } from './kubernetes-version.ts';
export type { ClusterNode } from './lab-folder.ts';
export { type Leftover, listLeftovers, type RemoveLeftoversInput, removeLeftovers } from './leftovers.ts';
export { equipMachine } from './machine.ts';
export type { EquippedNode } from './node-command.ts';
export { nodeFile } from './lab-folder.ts';
export { snapshotObjects } from './object-snapshot.ts';
export type { ClusterMachine, LabCluster } from './lab-cluster.ts';
export type { Proof } from './proof.ts';
export { recoverByKubeadm } from './rivals/kubeadm-way.ts';
export { type RestartInput, restartControlPlane } from './rivals/restart-floor.ts';
export type { Measurement } from './rivals/stopwatch.ts';
export { expireCertificates } from './scenarios/kubeadm-expired/expire-certificates.ts';
export { proveDeath } from './scenarios/kubeadm-expired/prove-death.ts';
export { proveLife } from './scenarios/kubeadm-expired/prove-life.ts';
export type { ClusterScenario, ProveLifeInput } from './scenarios/scenario.ts';
export { proveSecrecy } from './scenarios/saturday/prove-secrecy.ts';
export { proveShopByName, proveShopUnknown } from './scenarios/saturday/prove-shop-name.ts';
export { SINGLE_FAULTS, type SingleFaultName } from './scenarios/single-faults/registry.ts';
export type { SingleFault } from './scenarios/single-faults/single-fault.ts';
export {
  createSelfHostedCluster,
  type SelfHostedCluster,
  type SelfHostedClusterInput,
} from './self-hosted/cluster.ts';
export {
  CLUSTER_SCENARIOS,
  type ScenarioName,
  SELF_HOSTED_SCENARIOS,
  type SelfHostedScenarioName,
} from './scenarios/registry.ts';
export type { FailedRequest, LoadClient } from './scenarios/ca-rotation-live/failed-request.ts';
export { type Load, type LoadReport, startLoad } from './scenarios/ca-rotation-live/load.ts';
export {
  createRollingWorkloads,
  listPodUids,
  proveRollingRestart,
} from './scenarios/ca-rotation-live/rolling-workloads.ts';
export { identifyApiServer, proveRotation, readAuthority } from './scenarios/ca-rotation-live/prove-rotation.ts';
