export {
  authorityCertSerialNumber,
  authorityKeyIdentifier,
  type Certificate,
  type Extension,
  EXTENSION,
  namesIssuerSerial,
  parseCertificate,
  parseCertificates,
  subjectKeyIdentifier,
} from './certificate/certificate.ts';
export { buildChain } from './certificate/chain.ts';
export { type CertificateDetails, detailCertificate } from './certificate/details.ts';
export {
  allowsUsage,
  assertSubjectNames,
  encodeExtension,
  keyIdentifierOf,
  namesAddress,
} from './certificate/extensions.ts';
export { daysUntil, describeValidity, MS_PER_DAY, nameOf, NO_VALIDITY } from './certificate/summary.ts';
export { DER_TAG, encodeDer, isSameDer } from './encoding/der.ts';
export { encodePem, type PemBlock, readPem, replacePemBlocks } from './encoding/pem.ts';
export { encodeCertificateBody } from './issuing/body.ts';
export {
  assertLifetime,
  issueCertificate,
  type IssueInput,
  planCaValidity,
  planValidity,
  type Validity,
} from './issuing/issuing.ts';
export { signatureAlgorithmOf, signCertificate } from './issuing/signature.ts';
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
export type { Usage } from './certificate/extensions.ts';
export { X509_ERRORS, X509Error, type X509ErrorCode } from './errors.ts';
