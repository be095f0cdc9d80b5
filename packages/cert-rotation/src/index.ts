export type { AdoptionInput } from './adoption/adoption-input.ts';
export { adopt, createAdoptionSteps } from './adoption/adoption-steps.ts';
export { type CertificateSet, readCertificateSet, type SetReader } from './adoption/certificate-set.ts';
export type { Adoption, AdoptionRules } from './adoption/adoption.ts';
export { judgeCertificateSet } from './adoption/set-judgement.ts';
export type { CaEntry, Issuer } from './inventory/ca-inventory.ts';
export { judgeCa } from './judgement/ca-judgement.ts';
export { createReissueSteps } from './renewal/ca-steps.ts';
export type { ReissueOptions } from './renewal/ca-plans.ts';
export type { NodeReader, RenewedFiles } from './renewal/file-plan.ts';
export { renew } from './renewal/renew.ts';
export {
  CA_DEFINITIONS,
  type CaDefinition,
  type CaId,
  CERTIFICATES,
  type CertificateDefinition,
  type CertificateLocation,
  type CertificateId,
  reissueStepId,
  renewalStepId,
} from './inventory/catalogue.ts';
export {
  type InspectedCertificate,
  inspectLocation,
  type InspectionRequest,
} from './inventory/certificate-inspection.ts';
export type { CredentialLocation, Credentials } from './inventory/certificate-location.ts';
export { PKI_ERRORS, PkiError, type PkiErrorCode } from './errors.ts';
export { type ExpiredCertificate, listExpired } from './judgement/expired-content.ts';
export {
  type AbsentCertificate,
  type CertificateEntry,
  type CertificateInventory,
  inspectCertificates,
  type InspectionInput,
} from './inventory/inventory.ts';
export { joinPlural, joinSubject } from './judgement/problem.ts';
export { type ExpiryNotice, expiresSoon } from './judgement/expiry-notice.ts';
export { judgeCertificate, type JudgementOptions } from './judgement/judgement.ts';
export { readContextChoice } from './inventory/cluster-context.ts';
export type { KubeletStore } from './inventory/kubelet-inventory.ts';
export type { Problem } from './judgement/problem.ts';
export { type Reading } from './inventory/reading.ts';
export { readServerCertificates } from './inventory/server-certificates.ts';
export type { ScratchFacts } from './scratch/scratch-facts.ts';
export { createTokenKeySteps, remedyForTokenKey, TOKEN_SIGNERS } from './scratch/token-key-step.ts';
export { LOSSES } from './inventory/loss.ts';
export type { RenewalFinding } from './renewal/renewal-check.ts';
export { renewalNotice, type RenewalOptions } from './renewal/renewal-options.ts';
export { type ExportedRequest, exportSigningRequests, type RequestExport } from './renewal/signing-request-export.ts';
export { createRenewalSteps } from './renewal/renewal-steps.ts';
export { type CertificateRow, reportCertificates } from './judgement/report.ts';
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
export { describeLocation, type ObjectLocation } from './objects/object-location.ts';
export { type ObjectCertificateRow, reportObjectFinding } from './objects/object-report.ts';
export { type CaExchange, exchangeCa, readCaExchange } from './objects/ca-exchange.ts';
export { type BootstrapToken, readBootstrapToken, signClusterInfo } from './objects/bootstrap-signatures.ts';
export {
  type Skipped,
  type ObjectEdit,
  planTrustSweep,
  sweepObject,
  type SweepOptions,
  type TrustSweep,
  type TrustSweepInput,
} from './objects/trust-sweep.ts';
export { type ForecastItem, forecastExpiry } from './objects/expiry-forecast.ts';
export {
  inspectKubeconfigTrust,
  type ObservedCertificate,
  observedCertificateOf,
  observedCertificatesOf,
} from './objects/observed-certificate.ts';
export { findTrustDisagreements, type TrustDisagreement } from './objects/trust-disagreement.ts';
export { buildTrustGraph, type TrustGraph, type TrustNode } from './objects/trust-graph.ts';
export { findStaleCas } from './objects/stale-cas.ts';
export { issueProbeCertificate, issueUntrustedProbe } from './rotation/probe-certificate.ts';
export { createIssueRenewalSteps } from './rotation/issue-renewals.ts';
export type { RotationContext } from './rotation/rotation-file-step.ts';
export { inspectRotation, type RotationStage, type RotationState } from './rotation/rotation-state.ts';
export { createDropStageStep, createTidyStep } from './rotation/drop-stage.ts';
export { createIssueStageStep } from './rotation/issue-stage.ts';
export { type RotationStepOptions, stageStepIds } from './rotation/stage-options.ts';
export { createTrustStageStep } from './rotation/trust-stage.ts';
export { dropExchangesOf, exchangesOf } from './rotation/trust-exchange.ts';
export { findFlagTrust } from './renewal/trust-locations.ts';
export { findFormerCas } from './rotation/former-cas.ts';
export { createObjectTrustStep, type ObjectTrustInput } from './rotation/object-trust-step.ts';
export { createPublicationKind, type TrustPublication, trustPublication } from './rotation/publication-kind.ts';

export { isTokenOf, readToken, type ServiceAccountToken, tokenKeyId } from './token-keys/service-account-token.ts';
export {
  findTokenCopies,
  findTokenPods,
  findTokenSecret,
  readReadyNodes,
  type TokenHolder,
  type TokenSecret,
} from './token-keys/token-holders.ts';
export { inspectTokenKeys, type TokenKeyStage, type TokenKeyState } from './token-keys/token-key-state.ts';
export {
  createDropKeyStep,
  createPublishStep,
  createSignStep,
  TOKEN_KEY_STAGES,
  type TokenKeyContext,
  type TokenKeyOptions,
  type TokenKeyStageName,
  tokenKeyStepId,
} from './token-keys/token-key-stages.ts';
export { createTokenSecretStep, describeTokenSecrets } from './token-keys/token-secret-step.ts';
export { formerNamesOf, inspectRequestedServing, type RequestedServing } from './used/requested-serving.ts';
export { reportUsedCertificates, type UsedReport } from './used/used-report.ts';
