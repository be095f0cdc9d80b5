export type { CertificatePurpose } from './object-fields.ts';
export {
  inspectObject,
  inspectObjectCertificates,
  KINDS_WITH_CERTIFICATES,
  type ObjectCertificate,
  type ObjectFinding,
  type ObjectInspection,
  type ObjectKeystore,
  type UnreadableObject,
} from './object-inventory.ts';
export { describeLocation, type ObjectLocation } from './object-location.ts';
export { type ObjectCertificateRow, reportObjectFinding } from './object-report.ts';
export { type CaExchange, exchangeCa, readCaExchange } from './ca-exchange.ts';
export { type BootstrapToken, readBootstrapToken, signClusterInfo } from './bootstrap-signatures.ts';
export {
  type Skipped,
  type ObjectEdit,
  planTrustSweep,
  sweepObject,
  type SweepOptions,
  type TrustSweep,
  type TrustSweepInput,
} from './trust-sweep.ts';
export { type ForecastItem, forecastExpiry } from './expiry-forecast.ts';
export {
  inspectKubeconfigTrust,
  type ObservedCertificate,
  observedCertificateOf,
  observedCertificatesOf,
} from './observed-certificate.ts';
export { findTrustDisagreements, type TrustDisagreement } from './trust-disagreement.ts';
export { buildTrustGraph, type TrustGraph, type TrustNode } from './trust-graph.ts';
export { findStaleCas } from './stale-cas.ts';
