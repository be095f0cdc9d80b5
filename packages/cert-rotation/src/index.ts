export type { AdoptionInput } from './adoption/adoption-input.ts';
export { createAdoptionSteps } from './adoption/adoption-steps.ts';
export { type CertificateSet, readCertificateSet, type SetReader } from './adoption/certificate-set.ts';
export { type Adoption, type AdoptionRules, judgeCertificateSet } from './adoption/set-judgement.ts';
export type { AuthorityEntry, Issuer } from './authority-inventory.ts';
export { judgeAuthority } from './authority-judgement.ts';
export { reissueAuthority } from './authority-reissue.ts';
export { createReissueSteps, type ReissueOptions } from './authority-steps.ts';
export {
  AUTHORITIES,
  type AuthorityDefinition,
  type AuthorityId,
  CERTIFICATES,
  type CertificateDefinition,
  type CertificateHome,
  type CertificateId,
  reissueStepId,
  renewalStepId,
  type Usage,
} from './catalogue.ts';
export type { Certificate, Extension } from './certificate.ts';
export { type CertificateDetails, detailCertificate } from './certificate-details.ts';
export { type InspectedCertificate, inspectPlace, type InspectionRequest } from './certificate-inspection.ts';
export { type IssueInput, issueCertificate, planValidity, type Validity } from './certificate-issuing.ts';
export type { ComponentFlags, ComponentName } from './component-flags.ts';
export type { CredentialPlace, Credentials } from './credential-place.ts';
export { PkiError, type PkiErrorCode } from './errors.ts';
export { type ExpiredCertificate, listExpired } from './expired-content.ts';
export {
  type AbsentCertificate,
  type CertificateEntry,
  type CertificateInventory,
  inspectCertificates,
  type InspectionInput,
} from './inventory.ts';
export { judgeCertificate, type JudgementOptions } from './judgement.ts';
export { NEW_KEY_ALGORITHMS, type NewKeyAlgorithm } from './key-algorithm.ts';
export { type KubeconfigClient, readKubeconfigClient } from './kubeconfig-client.ts';
export type { KubeletStore } from './kubelet-inventory.ts';
export type { PrivateKey } from './private-key.ts';
export type { Problem } from './problem.ts';
export type { Reading } from './reading.ts';
export type { RenewalFinding } from './renewal-check.ts';
export type { RenewalOptions } from './renewal-options.ts';
export { type ExportedRequest, exportSigningRequests, type RequestExport } from './signing-request-export.ts';
export { createRenewalSteps } from './renewal-steps.ts';
export { type CertificateRow, reportCertificates } from './report.ts';
export type { CertificatePurpose } from './objects/object-fields.ts';
export {
  inspectObject,
  inspectObjectCertificates,
  KINDS_WITH_CERTIFICATES,
  type ObjectCertificate,
  type ObjectFinding,
  type ObjectInspection,
  type ObjectKeystore,
  type UnreadableObject,
} from './objects/object-inventory.ts';
export { describePlace, type ObjectPlace } from './objects/object-place.ts';
export { type ObjectCertificateRow, reportObjectFinding } from './objects/object-report.ts';
export { type AuthorityExchange, exchangeAuthority, readAuthorityExchange } from './objects/authority-exchange.ts';
export { type BootstrapToken, readBootstrapToken, signClusterInfo } from './objects/bootstrap-signatures.ts';
export {
  type LeftAlone,
  type ObjectEdit,
  planTrustSweep,
  sweepObject,
  type SweepOptions,
  type TrustSweep,
  type TrustSweepInput,
} from './objects/trust-sweep.ts';
export { type ForecastItem, forecastExpiry } from './objects/expiry-forecast.ts';
export { inspectKubeconfigTrust, type Sighting, sightingOf, sightingsOf } from './objects/sighting.ts';
export { findTrustDisagreements, type TrustDisagreement } from './objects/trust-disagreement.ts';
export { buildTrustGraph, type TrustGraph, type TrustNode } from './objects/trust-graph.ts';
export { findStaleAuthorities } from './objects/stale-authorities.ts';
export { issueProbeCertificate } from './rotation/probe-certificate.ts';
export { createIssueRenewalSteps } from './rotation/issue-renewals.ts';
export type { RotationContext } from './rotation/rotation-file-step.ts';
export { inspectRotation, type RotationStage, type RotationState } from './rotation/rotation-state.ts';
export { createDropStageStep, createTidyStep } from './rotation/drop-stage.ts';
export { createIssueStageStep } from './rotation/issue-stage.ts';
export { type RotationStepOptions, stageStepIds } from './rotation/stage-options.ts';
export { createTrustStageStep } from './rotation/trust-stage.ts';
export { dropExchangesOf, exchangesOf } from './rotation/trust-exchange.ts';
export { findFormerAuthorities } from './rotation/former-authorities.ts';
export { createObjectTrustStep, type ObjectTrustInput } from './rotation/object-trust-step.ts';
export { createPublicationKind, type TrustPublication, trustPublication } from './rotation/publication-kind.ts';
