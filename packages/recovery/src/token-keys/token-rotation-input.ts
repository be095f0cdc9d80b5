import {
  inspectTokenKeys,
  type TokenKeyContext,
  type TokenKeyOptions,
  type TokenKeyStage,
  type TokenKeyStageName,
  type TokenKeyState,
} from '@kube-rescue/cert-rotation/token-keys';
import type { Node, NodeDescription } from '@kube-rescue/node';

/** The input of a rotation of the key of service account tokens. */
export interface TokenRotationInput extends Pick<TokenKeyOptions, 'keyAlgorithm'> {
  readonly stages: readonly TokenKeyStageName[];
  /** Resumes a run whose rotation had begun: starts no other rotation. Default: false. */
  readonly hasBegun?: boolean | undefined;
  /** Signs the tokens of Secrets again before the old key is dropped. Default: false, they block that stage. */
  readonly resignSecrets?: boolean | undefined;
  /** Drops the old key although tokens of it may be in use: their holders are refused. Default: false, they block the stage. */
  readonly revokeTokens?: boolean | undefined;
}

/** A node and the state of the rotation on it, both read again. */
export interface TokenRotationStatus {
  readonly node: NodeDescription;
  readonly state: TokenKeyState;
}

export const TOKEN_ROTATION_PLAYBOOK = 'certs-rotate-sa';

export async function inspectTokenKeysOfNode(node: Node): Promise<TokenRotationStatus> {
  const description = await node.describe();
  return { node: description, state: await inspectTokenKeys(description.components, node) };
}

/** Whether this run may start a rotation. */
export function mayBeginTokens({ stages, hasBegun = false }: TokenRotationInput): boolean {
  return stages.includes('publish') && !hasBegun;
}

/** Whether this run still has to change files of this node for a stage. */
export function isTokenStageDue(stage: TokenKeyStageName, found: TokenKeyStage, input: TokenRotationInput): boolean {
  if (stage === 'publish') return found === 'settled' && mayBeginTokens(input);
  return stage === 'sign' ? found === 'publish' : found === 'sign';
}

export function tokenContextOf(node: Node): TokenKeyContext {
  return { components: async () => (await node.describe()).components, host: node.host };
}
