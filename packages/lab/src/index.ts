export { type Cluster, type ClusterInput, createCluster } from './cluster/cluster.ts';
export { provideDebianPackages } from './machine/debian-packages.ts';
export type { LabDeps, LabProgress } from './machine/lab-deps.ts';
export { LAB_ERRORS, LabError, type LabErrorCode } from './errors.ts';
export { proveEtcdSnapshot } from './proofs/etcd-snapshot-proof.ts';
export { type FileSnapshot, snapshotFiles } from './proofs/file-snapshot.ts';
export { provideAddonBinaries } from './kubernetes/addon-binaries.ts';
export type { KeyAlgorithm } from './kubernetes/kubeadm-config.ts';
export {
  type KubernetesBinaries,
  type KubernetesBinariesInput,
  provideKubernetesBinaries,
} from './kubernetes/kubernetes-binaries.ts';
export {
  KUBERNETES_RELEASES,
  type KubernetesRelease,
  type KubernetesReleaseName,
  SELF_HOSTED_RELEASE,
} from './kubernetes/kubernetes-release.ts';
export type { ReleaseUrls } from './kubernetes/official-release.ts';
export type { ClusterNode } from './machine/lab-directory.ts';
export { type LabTrace, listLabTraces, type RemovalInput, removeLabTraces } from './machine/lab-traces.ts';
export { equipMachine } from './machine/machine.ts';
export { type EquippedNode, runOnNode } from './cluster/node-command.ts';
export { nodeFile } from './machine/lab-directory.ts';
export { seeNewWorkload } from './proofs/new-workload.ts';
export { snapshotObjects } from './proofs/object-snapshot.ts';
export type { ClusterMachine, LabCluster } from './cluster/lab-cluster.ts';
export type { Proof } from './proofs/proof.ts';
export { recoverByKubeadm, renewByKubeadm } from './baselines/kubeadm-renew.ts';
export { type RestartInput, restartControlPlane } from './baselines/restart-floor.ts';
export type { Measurement } from './baselines/stopwatch.ts';
export { expireCertificates } from './scenarios/kubeadm-expired/expire-certificates.ts';
export { proveDeath } from './scenarios/kubeadm-expired/prove-death.ts';
export { proveLife } from './scenarios/kubeadm-expired/prove-life.ts';
export type { ClusterScenario, ProveLifeInput } from './scenarios/scenario.ts';
export { proveSecrecy } from './scenarios/saturday/prove-secrecy.ts';
export { proveShopByName, proveShopUnknown, seeShopByName } from './scenarios/saturday/prove-shop-name.ts';
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
export {
  identifyApiServer,
  proveRotation,
  readCa,
  waitForNewApiServer,
} from './scenarios/ca-rotation-live/prove-rotation.ts';
export { proveTokens, recreateTokenPods, type TokenStage } from './scenarios/sa-rotation-live/prove-tokens.ts';
export {
  createTokenWitnesses,
  TOKEN_SECRET,
  type TokenWitnesses,
} from './scenarios/sa-rotation-live/token-witnesses.ts';
