export { type CheckpointPlaybookInput, createCheckpointPlaybook } from './self-hosted/checkpoint-playbook.ts';
export { type SnapshotRow, saveEtcdOfNode } from './etcd-backup/etcd-snapshot.ts';
export { createEtcdRestorePlaybook } from './etcd-restore/restore-playbook.ts';
export type { EtcdRestoreInput } from './etcd-restore/restore-source.ts';
export { createMemberPlaybook, type MemberChangeInput } from './etcd-members/member-playbook.ts';
export { readReplacement, type Replacement } from './etcd-members/replacement.ts';
export { createIngressDnsPhases, type IngressDnsPhases } from './ingress-dns/ingress-dns-phases.ts';
export {
  createIngressJudgementPhase,
  hasReportedJudgement,
  type IngressJudgement,
} from './ingress-dns/ingress-judgement-phase.ts';
export { ingressObjects, type IngressObjectsInput } from './ingress-dns/ingress-objects.ts';
export { readPodToken, readTokenIssuer } from './ingress-dns/token-issuer.ts';
export { createObjectPatchPlaybook, type ObjectPatchInput } from './objects/object-patch-playbook.ts';
export { createAdoptionPlaybook } from './kubeadm/adoption.ts';
export { createCaPlaybook } from './kubeadm/ca.ts';
export { type AdoptionOptions, createRecoveryPlaybook } from './kubeadm/recovery.ts';
export { createRenewalPlaybook } from './kubeadm/renewal.ts';
export { createRestartPlaybook } from './kubeadm/restart.ts';
export { exportNodeCas } from './kubeadm/reissued-cas.ts';
export { exportNodeRequests } from './kubeadm/signing-requests.ts';
export { findInterruptedRotation, recordRotation } from './rotation/interrupted-rotation.ts';
export type { RotationStageName } from './rotation/rotation-input.ts';
export { createRotationPlaybook } from './rotation/rotation-playbook.ts';
export { reportRotation, type RotationReport } from './rotation/rotation-report.ts';
export {
  findInterruptedTokenRotation,
  recordTokenRotation,
} from './token-keys/interrupted-token-rotation.ts';
export type { TokenRotationInput } from './token-keys/token-rotation-input.ts';
export { createTokenRotationPlaybook } from './token-keys/token-rotation-playbook.ts';
export { reportTokenRotation, type TokenRotationReport } from './token-keys/token-rotation-report.ts';
export { createNodePlaybook, type NodePlaybookDeps, type NodePlaybookOptions } from './recovery-playbook.ts';
export { describeRecoveryTimes, type RecoveryTimes, recoveryTimesOf } from './recovery-times.ts';
export { createSnapshotPhases } from './etcd-backup/etcd-snapshot-phases.ts';
export { RECOVERY_ERRORS, ThrowawayError, type ThrowawayErrorCode } from './errors.ts';
export type { ThrowawayApiInput } from './throwaway-api/served-data.ts';
export { startThrowawayApi, type ThrowawayApi } from './throwaway-api/throwaway-api.ts';
