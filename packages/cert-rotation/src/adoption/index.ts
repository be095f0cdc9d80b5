export type { AdoptionInput } from './adoption-input.ts';
export { adopt, createAdoptionSteps } from './adoption-steps.ts';
export { type CertificateSet, readCertificateSet, type SetReader } from './certificate-set.ts';
export type { Adoption, AdoptionRules } from './adoption.ts';
export { judgeCertificateSet } from './set-judgement.ts';
