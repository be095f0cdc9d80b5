export { CONTROL_PLANE_COMPONENTS, type ControlPlaneComponent, identifyComponent } from './component.ts';
export { PodError, type PodErrorCode } from './errors.ts';
export type { ControllerKind } from './kinds.ts';
export { type ControllerName, findControllerKind } from './pod-controller.ts';
export { cutRescuePod, RESCUE_OF, type RescuePod } from './rescue-pod.ts';
export { RESCUE_LABEL } from './rescue-labels.ts';
export type { RescueFinding } from './rescue-findings.ts';
export { createRescueStep, type RescueInput, type RescueStepDeps } from './rescue-step.ts';
export { createNodeLogs, type ReadPodLog } from './symptoms.ts';
export { createRescueRemovalStep, type RescueRemovalInput } from './rescue-removal-step.ts';
export { type RescueTurn, rescueOrder } from './rescue-order.ts';
export {
  findComponents,
  type FoundComponent,
  listControlPlanePods,
  type PodListing,
  type PodListingDeps,
  type PodRow,
} from './pod-listing.ts';
export { createReleasePlaybook, createRescuePlaybook } from './rescue-playbook.ts';
export { createPodRestartKind, type PodRestart } from './pod-restart-kind.ts';
export { createPodRestartStep, nameKeptPods, type PodRestartDeps, type PodRestartInput } from './pod-restart-step.ts';
export { findStalePods, listPodsHoldingOldCa, type StalePod } from './stale-pods.ts';
