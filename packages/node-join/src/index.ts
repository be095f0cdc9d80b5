export { readEarlierNodes } from './earlier-nodes.ts';
export { JoinError, type JoinErrorCode } from './errors.ts';
export { createCsrApprovalStep, type CsrApprovalInput, type KnownKubelet } from './csr-approval-step.ts';
export { publicKeyDigest } from './signing-request.ts';
export {
  BUNDLE_COMMAND,
  BUNDLE_SCRIPT,
  type BundleFile,
  type JoinBundleInput,
  makeBundleFolder,
  renderJoinBundle,
  writeJoinBundle,
} from './join-bundle.ts';
export { createJoinStep, JOIN_STEP, type JoinStepDeps, type JoinStepInput } from './join-step.ts';
export { createNodeSession, type NodeAccess, type NodeHost, type NodeSession, type OpenNode } from './node-access.ts';
export { createNodeChangeKinds } from './node-change-kinds.ts';
export type { NodeEditFinding, NodeEditStepDeps } from './node-edit-step.ts';
export { inspectNodes, type InspectedNode, type NodeInspectionInput } from './node-inspection.ts';
export type { KubeletClient } from './kubelet-client.ts';
export { addressesOf } from './node-object.ts';
export type { RoleSources } from './node-roles.ts';
export { createLabelStep, createTaintStep, type RoleStepInput } from './role-steps.ts';
export { parseLabel, parseTaint, type Taint } from './taint.ts';
export { type JoinFile, namesOf, type Worker } from './worker.ts';
