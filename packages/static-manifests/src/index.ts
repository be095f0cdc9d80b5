export type {
  CachedKey,
  CachedObject,
  Checkpoint,
  CheckpointDirectories,
  Checkpoints,
} from './pod-checkpointer/checkpoint.ts';
export { type ApiServerStatus, observeApiServer } from './pod-checkpointer/api-ownership.ts';
export {
  type CheckpointContents,
  findStaleCheckpoints,
  type WantedObject,
} from './pod-checkpointer/checkpoint-contents.ts';
export {
  type CheckpointFlags,
  checkpointFlags,
  findObjectKey,
  type ObjectKey,
} from './pod-checkpointer/checkpoint-flags.ts';
export { readCheckpoints } from './pod-checkpointer/checkpoint-reading.ts';
export { createFreezeChangeKinds } from './pod-checkpointer/checkpointer-freeze.ts';
export {
  type CheckpointContentsInput,
  type CheckpointFinding,
  createCheckpointContentsStep,
} from './pod-checkpointer/contents-step.ts';
export { findKubeconfigWriters, type KubeconfigWriter } from './pod-checkpointer/kubeconfig-writers.ts';
export { type CheckpointParentsInput, createCheckpointParentsStep } from './pod-checkpointer/parents-step.ts';
export { type CheckpointStabilityInput, createCheckpointStabilityStep } from './pod-checkpointer/stability-step.ts';
export { findRefusedCheckpoints } from './pod-checkpointer/refused-checkpoints.ts';
export { findApiServerCheckpoint, findStandstill } from './pod-checkpointer/standstill.ts';
export { askHealth, type Health } from './running/component-health.ts';
export { type Stability, type WaitForStableInput, waitForStableComponent } from './running/component-stability.ts';
export { MANIFEST_ERRORS, ManifestError, type ManifestErrorCode } from './errors.ts';
export { listManifests, type ManifestRow } from './running/manifest-listing.ts';
export { setContainerFlag } from './restart/container-flag.ts';
export { setPodAnnotation } from './restart/pod-annotation.ts';
export {
  type FindObstacle,
  type PodBaseline,
  readPodBaseline,
  type Replacement,
  type ReplacementStage,
  type WaitForNewPodInput,
  waitForNewPod,
} from './restart/pod-replacement.ts';
export { readBootTime, startOf } from './running/process-age.ts';
export { type RunningPod, findRunningPod, listRunningPods } from './running/running-pod.ts';
export { type FlagEdit, planRestart, RESTART_ANNOTATION, type RestartEdit } from './restart/restart.ts';
export { createRestartStep, type RestartStepInput } from './restart/restart-step.ts';
export { createRestartKinds, type KubeletRestart } from './restart/kubelet-restart-kind.ts';
export type { PodEnd } from './restart/pod-end-kind.ts';
export type { RestartableKubelet } from './restart/kubelet-choice.ts';
export {
  type ControlPlaneFinding,
  type ControlPlaneRestartInput,
  createControlPlaneRestartStep,
  type RestartNeed,
} from './restart/control-plane-restart.ts';
export { findKubeletStaleness, findKubeletStart, findPodStaleness, findPodStart } from './restart/stale-component.ts';
