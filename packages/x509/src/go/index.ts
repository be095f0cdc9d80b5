export { readGoCertificate } from './certificate.ts';
export { findVerificationFault, type GoChainFault } from './chain.ts';
export {
  findBundleFault,
  findCertificateFault,
  findKeyPairFault,
  findLeafFault,
  findPrivateKeyFault,
  findSigningKeyFault,
  parseGoCertificate,
} from './files.ts';
export { describeGoFault, type GoFault, remedyOf } from './rules.ts';
