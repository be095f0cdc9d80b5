export type {
  CachedKey,
  CachedObject,
  Checkpoint,
  CheckpointFolders,
  Checkpoints,
} from './checkpoint/checkpoint.ts';
export { type ApiSight, sightApiServer } from './checkpoint/api-ownership.ts';
export { type CheckpointContents, findStaleCheckpoints, type WantedObject } from './checkpoint/checkpoint-contents.ts';
export { type CheckpointFlags, checkpointFlags, findObjectKey, type ObjectKey } from './checkpoint/checkpoint-flags.ts';
export { readCheckpoints } from './checkpoint/checkpoint-reading.ts';
export { createFreezeChangeKinds } from './checkpoint/checkpointer-freeze.ts';
export {
  type CheckpointContentsInput,
  type CheckpointFinding,
  createCheckpointContentsStep,
} from './checkpoint/contents-step.ts';
export { findKubeconfigWriters, type KubeconfigWriter } from './checkpoint/kubeconfig-writers.ts';
export { type CheckpointParentsInput, createCheckpointParentsStep } from './checkpoint/parents-step.ts';
export { type CheckpointStabilityInput, createCheckpointStabilityStep } from './checkpoint/stability-step.ts';
export { findRefusedCheckpoints } from './checkpoint/refused-checkpoints.ts';
export { findApiServerCheckpoint, findStandstill } from './checkpoint/standstill.ts';
export { COMPONENTS, type Component } from './component.ts';
export { type ComponentFlags, componentFlags } from './component-flags.ts';
export { askHealth, type Health, healthUrl } from './component-health.ts';
export { type Stability, type WaitForStableInput, waitForStableComponent } from './component-stability.ts';
export { ManifestError, type ManifestErrorCode } from './errors.ts';
export { type KubeletConfiguration, readKubeletConfiguration } from './kubelet-configuration.ts';
export { findKubelets } from './kubelet-process.ts';
export { readStaticPod, readStaticPods, type StaticPods } from './manifest-folder.ts';
export { listManifests, type ManifestRow } from './manifest-listing.ts';
export { setPodAnnotation } from './pod-annotation.ts';
export {
  type PodBaseline,
  readPodBaseline,
  type Replacement,
  type ReplacementStage,
  type WaitForNewPodInput,
  waitForNewPod,
} from './pod-replacement.ts';
export { type PodSighting, sightPod, sightPods } from './pod-sighting.ts';
export { type FlagEdit, planRestart, RESTART_ANNOTATION, type RestartEdit } from './restart.ts';
export { createRestartStep, type RestartFinding, type RestartStepInput, verdictOf } from './restart-step.ts';
export { type HttpGet, hostPathOf, type ManifestFile, type StaticContainer, type StaticPod } from './static-pod.ts';
export {
  type ControlPlaneRestartInput,
  createControlPlaneRestartStep,
  type RestartNeed,
} from './control-plane-restart.ts';
export { findKubeletStaleness, findKubeletStart, findPodStaleness, findPodStart } from './stale-component.ts';
export { type EtcdService, readEtcdService } from './etcd-service.ts';
