export {
  authorityKeyIdentifier,
  type Certificate,
  parseCertificate,
  parseCertificates,
} from './certificate/certificate.ts';
export { buildChain } from './certificate/chain.ts';
export {
  findIssuerMismatch,
  type IssuerMismatch,
  isSameCa,
  isSameCertificate,
  isSamePublicKey,
  isSameSubject,
  isSelfSigned,
  isSignedBy,
  isSignedWith,
  namesIssuer,
} from './certificate/comparison.ts';
export { type CertificateDetails, detailCertificate } from './certificate/details.ts';
export { allowsUsage, assertSubjectNames, namesAddress } from './certificate/extensions.ts';
export type { Usage } from './certificate/extensions.ts';
export { claimsToBeCa, findCaLimits, findCaRefusal, isWeaklySigned } from './certificate/ca-limits.ts';
export { findCaRight, findForbiddenExtension, hasOnlyKnownExtensions, isStrictDer } from './certificate/leaf-rights.ts';
export { isUnreadableName, readSubject, type SubjectIdentity } from './certificate/subject.ts';
export { findPairFault, isSelfSignedCa } from './certificate/openssl-check.ts';
export { daysUntil, describeValidity, MS_PER_DAY, nameOf, NO_VALIDITY } from './certificate/summary.ts';
export {
  containsCertificates,
  containsPem,
  containsPrivateKey,
  hasCertificateLine,
  hasPemLine,
} from './encoding/pem-marks.ts';
export { findCertificateLoss, findPemLoss, type PemLoss } from './encoding/pem-loss.ts';
export {
  beginsCertificate,
  encodePem,
  type PemBlock,
  readIndentedPem,
  readPem,
  replacePemBlocks,
  straightenPem,
} from './encoding/pem.ts';
export {
  describeGoFault,
  findBundleFault,
  findLeafFault,
  findPrivateKeyFault,
  findSigningKeyFault,
  findVerificationFault,
  type GoChainFault,
  type GoFault,
  parseGoCertificate,
  remedyOf,
} from './go/index.ts';
export { issueCaWithNewKey, reissueCa } from './issuing/ca.ts';
export { issueLostCa } from './issuing/lost-ca.ts';
export { createCa, createRequestFromScratch, issueFromScratch } from './issuing/from-scratch.ts';
export {
  assertLifetime,
  issueCertificate,
  type IssueInput,
  planCaValidity,
  planValidity,
  type Validity,
} from './issuing/issuing.ts';
export { generateKey, NEW_KEY_ALGORITHMS, type NewKeyAlgorithm } from './keys/key-algorithm.ts';
export { createKeySupply, type KeySupply } from './keys/key-supply.ts';
export {
  encodePrivateKey,
  generateKeyLike,
  isKeyOf,
  isSameKey,
  parsePrivateKey,
  type PrivateKey,
  publicKeyDerOf,
  usualKeyLabel,
} from './keys/private-key.ts';
export { publicKeyDigest, readSigningRequest } from './request/received-request.ts';
export { createSigningRequest } from './request/signing-request.ts';
export { verifyServerChain } from './server-chain/server-chain.ts';
export { readCertificates } from './server-chain/certificate-pool.ts';
export { X509_ERRORS, X509Error, type X509ErrorCode } from './errors.ts';
