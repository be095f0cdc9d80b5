export { type CertificateReport, checkCertificates, type CheckRequest } from './whole-node/check-certificates.ts';
export { renewCertificates, type RenewalRequest, type RenewalResult } from './whole-node/renew-certificates.ts';
export { assertPresent } from './inventory/presence.ts';
export type { CaEntry, Issuer } from './inventory/ca-inventory.ts';
export { judgeCa } from './judgement/ca-judgement.ts';
export { createReissueSteps } from './renewal/ca-steps.ts';
export type { ReissueOptions } from './renewal/ca-plans.ts';
export {
  assertReissuedCasFit,
  readReissuedCas,
  reissuedCaFile,
  type ReissuedCas,
  type ReissuedCaSet,
} from './renewal/reissued-cas.ts';
export { type CaExport, type ExportedCa, exportReissuedCas } from './renewal/reissued-ca-export.ts';
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
export { LOSSES } from './inventory/loss.ts';
export type { RenewalFinding } from './renewal/renewal-check.ts';
export { renewalNotice, type RenewalOptions } from './renewal/renewal-options.ts';
export { type ExportedRequest, exportSigningRequests, type RequestExport } from './renewal/signing-request-export.ts';
export { createRenewalSteps } from './renewal/renewal-steps.ts';
export { type CertificateRow, reportCertificates } from './judgement/report.ts';
