export type { Cause } from './causes.ts';
export { inspectCertificate } from './certificate-inspection.ts';
export { type CheckpointListing, type CheckpointRow, listCheckpoints } from './checkpoint-listing.ts';
export { type CheckpointPlaybookInput, createCheckpointPlaybook } from './checkpoint-playbook.ts';
export { checkClusterCertificates, type ClusterCertificates } from './cluster-certificates.ts';
export { NodeError, type NodeErrorCode } from './errors.ts';
export type { EtcdSearch } from './etcd-connection.ts';
export { chooseObjectsVia, type ObjectsVia } from './etcd-objects.ts';
export {
  type EtcdAttemptRow,
  type EtcdClusterRow,
  type EtcdMemberRow,
  type EtcdSight,
  inspectEtcdOfNode,
  probeEtcdOfNode,
} from './etcd-sight.ts';
export { type SnapshotRow, saveEtcdOfNode } from './etcd-snapshot.ts';
export { createIngressDnsPhases } from './ingress-dns/ingress-dns-phases.ts';
export { ingressObjects, type IngressObjectsInput } from './ingress-dns/ingress-objects.ts';
export { createObjectSession, type ObjectSession } from './object-session.ts';
export { createObjectPatchPlaybook, type ObjectPatchInput } from './object-patch-playbook.ts';
export { type ObjectReading, type ObjectReadingInput, readObjectsOfNode } from './object-reading.ts';
export type { NodeDeps, NodeOptions } from './node-description.ts';
export { findNetworkOfNode } from './node-network.ts';
export {
  type AdoptionOptions,
  createAdoptionPlaybook,
  createAuthorityPlaybook,
  createRecoveryPlaybook,
  createRenewalPlaybook,
  createRestartPlaybook,
} from './playbooks.ts';
export { checkCertificates, type ComponentState, listStaticPods, type Triage, triageNode } from './triage.ts';
export { createPublicationKind } from '@kube-rescue/cert-rotation';
export type { CertificateRow, InspectedCertificate, NewKeyAlgorithm, RenewalOptions } from '@kube-rescue/cert-rotation';
export type { ManifestRow } from '@kube-rescue/static-manifests';
export { listLaterRuns } from './later-runs.ts';
export { judgeRollback } from './rollback-judgement.ts';
export { exportNodeRequests } from './signing-requests.ts';
export { ROTATION_STAGES, rotationStepId, type RotationStageName } from './rotation/rotation-input.ts';
export { createRotationPlaybook } from './rotation/rotation-playbook.ts';
export { reportRotation, type RotationReport } from './rotation/rotation-report.ts';
export { createNodePlaybook, type NodePlaybookDeps, type NodePlaybookOptions } from './node-playbook.ts';
