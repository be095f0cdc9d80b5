export type { Cause, Finding, NextStep } from './cause.ts';
export { inspectCertificate } from './certificates/certificate-inspection.ts';
export { checkClusterCertificates, type ClusterCertificates } from './certificates/cluster-certificates.ts';
export { type CheckpointListing, type CheckpointRow, listCheckpoints } from './checkpoints/checkpoint-listing.ts';
export {
  type EtcdAttemptRow,
  type EtcdClusterRow,
  type EtcdMemberRow,
  type EtcdReport,
  inspectEtcd,
  probeEtcd,
} from './etcd/etcd-status.ts';
export { countedMembers, listMembers, type MemberListing, type MemberRow } from './etcd/member-listing.ts';
export { findOutdatedCopies } from './configuration/kubeconfig-copies.ts';
export { listLaterRuns } from './runs/later-runs.ts';
export { judgeRollback } from './runs/rollback-judgement.ts';
export { type ComponentState } from './component-state.ts';
export {
  type CertificateCheck,
  checkCertificates,
  dueWithin,
  listStaticPods,
  type Triage,
  triageNode,
  type UnreadFile,
} from './triage.ts';
