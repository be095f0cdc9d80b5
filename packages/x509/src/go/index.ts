export { type GoCertificate, readGoCertificate } from './certificate.ts';
export { findVerificationFault, type GoVerification } from './chain.ts';
export {
  type BundleReader,
  findBundleFault,
  findCertificateFault,
  findKeyPairFault,
  findLeafFault,
  findPrivateKeyFault,
  findSigningKeyFault,
  readTrusted,
} from './files.ts';
export { describeGoFault, GO_RULES, type GoFault, type GoRuleName } from './rules.ts';
