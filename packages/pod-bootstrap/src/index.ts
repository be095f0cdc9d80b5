export {
  componentOfProcess,
  CONTROL_PLANE_COMPONENTS,
  type ControlPlaneComponent,
  identifyComponent,
} from './controllers/component.ts';
export { POD_ERRORS, PodError, type PodErrorCode } from './errors.ts';
export type { ControllerKind } from './controllers/kinds.ts';
export { type ControllerName, findControllerKind } from './controllers/pod-controller.ts';
export { cutRescuePod, RESCUE_OF, type RescuePod } from './rescue/rescue-pod.ts';
export { RESCUE_LABEL } from './rescue/rescue-labels.ts';
export type { RescueFinding } from './rescue/rescue-findings.ts';
export { createRescueStep, type RescueInput, type RescueStepDeps } from './rescue/rescue-step.ts';
export { createNodeLogs, type ReadPodLog } from './diagnosis/pod-observations.ts';
export { createRescueRemovalStep, type RescueRemovalInput } from './rescue/rescue-removal-step.ts';
export { type RescueTurn, rescueOrder } from './rescue/rescue-order.ts';
export {
  findComponents,
  type FoundComponent,
  listControlPlanePods,
  type PodListing,
  type PodListingDeps,
  type PodRow,
} from './pods/pod-listing.ts';
export {
  isHeldBy,
  type Leader,
  type LeaderLock,
  leaderLockOf,
  readLeader,
} from './leases/leader-election.ts';
export { createLockWatch, type HolderMachine, type LockWatch } from './leases/ended-holder.ts';
export { createLeaseReleaseKind } from './leases/lease-release-kind.ts';
export { createLeaseReleaseStep, type ElectedComponent } from './leases/lease-release-step.ts';
export { createReleasePlaybook, createRescuePlaybook } from './rescue/rescue-playbook.ts';
export { createPodRestartKind, type PodRestart } from './pods/pod-restart-kind.ts';
export {
  createPodRestartStep,
  nameKeptPods,
  type PodRestartDeps,
  type PodRestartInput,
} from './pods/pod-restart-step.ts';
export { findStalePods, listPodsHoldingOldCa, type StalePod } from './pods/stale-pods.ts';
