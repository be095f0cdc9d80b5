export { type CheckpointPlaybookInput, createCheckpointPlaybook } from './self-hosted/checkpoint-playbook.ts';
export { type SnapshotRow, saveEtcdOfNode } from './etcd-backup/etcd-snapshot.ts';
export { createIngressDnsPhases } from './ingress-dns/ingress-dns-phases.ts';
export { ingressObjects, type IngressObjectsInput } from './ingress-dns/ingress-objects.ts';
export { createObjectPatchPlaybook, type ObjectPatchInput } from './objects/object-patch-playbook.ts';
export {
  type AdoptionOptions,
  createAdoptionPlaybook,
  createCaPlaybook,
  createRecoveryPlaybook,
  createRenewalPlaybook,
  createRestartPlaybook,
} from './kubeadm/playbooks.ts';
export { exportNodeRequests } from './kubeadm/signing-requests.ts';
export { findInterruptedRotation, recordRotation } from './rotation/interrupted-rotation.ts';
export type { RotationStageName } from './rotation/rotation-input.ts';
export { createRotationPlaybook } from './rotation/rotation-playbook.ts';
export { reportRotation, type RotationReport } from './rotation/rotation-report.ts';
export { createNodePlaybook, type NodePlaybookDeps, type NodePlaybookOptions } from './recovery-playbook.ts';
export { createSnapshotPhases } from './etcd-backup/etcd-snapshot-phases.ts';
