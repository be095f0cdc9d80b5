export type { Cause } from './causes.ts';
export { NodeError, type NodeErrorCode } from './errors.ts';
export type { NodeDeps, NodeOptions } from './kubeadm-node.ts';
export {
  createAuthorityPlaybook,
  createRecoveryPlaybook,
  createRenewalPlaybook,
  createRestartPlaybook,
} from './playbooks.ts';
export { checkCertificates, type ComponentState, listStaticPods, type Triage, triageNode } from './triage.ts';
export type { CertificateRow, RenewalOptions } from '@kube-rescue/cert-rotation';
export type { ManifestRow } from '@kube-rescue/static-manifests';
