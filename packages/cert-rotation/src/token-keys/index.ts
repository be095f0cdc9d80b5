export { createTokenKeySteps, remedyForTokenKey, TOKEN_SIGNERS } from '../scratch/token-key-step.ts';
export { isTokenOf, readToken, type ServiceAccountToken, tokenKeyId } from './service-account-token.ts';
export {
  findTokenCopies,
  findTokenPods,
  findTokenSecret,
  readReadyNodes,
  type TokenHolder,
  type TokenSecret,
} from './token-holders.ts';
export { inspectTokenKeys, type TokenKeyStage, type TokenKeyState } from './token-key-state.ts';
export {
  createDropKeyStep,
  createPublishStep,
  createSignStep,
  TOKEN_KEY_STAGES,
  type TokenKeyContext,
  type TokenKeyOptions,
  type TokenKeyStageName,
  tokenKeyStepId,
} from './token-key-stages.ts';
export { createTokenSecretStep, describeTokenSecrets } from './token-secret-step.ts';
