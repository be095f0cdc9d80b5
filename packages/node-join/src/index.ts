export { readEarlierNodes } from './nodes/earlier-nodes.ts';
export { JOIN_ERRORS, JoinError, type JoinErrorCode } from './errors.ts';
export { createCsrApprovalStep, type CsrApprovalInput, type KnownKubelet } from './approval/csr-approval-step.ts';
export {
  createServingApprovalStep,
  findServingRequest,
  type ServingApprovalInput,
  type ServingKubelet,
} from './approval/serving-approval-step.ts';
export { type JoinBundleInput } from './join/join-bundle-input.ts';
export {
  BUNDLE_COMMAND,
  BUNDLE_SCRIPT,
  type BundleFile,
  makeBundleDirectory,
  renderJoinBundle,
  writeJoinBundle,
} from './join/join-bundle.ts';
export { createJoinStep, JOIN_STEP, type JoinStepDeps, type JoinStepInput } from './join/join-step.ts';
export {
  createNodeSession,
  type NodeAccess,
  type NodeHost,
  type NodeSession,
  type OpenNode,
} from './join/node-access.ts';
export { createNodeChangeKinds } from './join/node-change-kinds.ts';
export type { NodeEditFinding, NodeEditStepDeps } from './nodes/node-edit-step.ts';
export { inspectNodes, type InspectedNode, type NodeInspectionInput } from './nodes/node-inspection.ts';
export type { KubeletClient } from './join/kubelet-client.ts';
export { addressesOf } from './nodes/node-object.ts';
export type { RoleSources } from './nodes/node-roles.ts';
export { createLabelStep, createTaintStep, type RoleStepInput } from './nodes/role-steps.ts';
export { parseLabel, parseTaint, type Taint } from './nodes/taint.ts';
export { type JoinFile, namesOf, type Worker } from './join/worker.ts';
