import type { TokenKeyStage } from '@kube-rescue/cert-rotation/token-keys';
import { type Node } from '@kube-rescue/node';
import { inspectTokenKeysOfNode } from './token-rotation-input.ts';

/** The state of the rotation of the key of service account tokens; survives JSON, carries no key. */
export interface TokenRotationReport {
  readonly stage: TokenKeyStage;
  /** The next stage; `null` when no rotation is under way. */
  readonly next: 'sign' | 'drop' | null;
  readonly file: string;
  readonly keys: readonly {
    readonly role: 'signs' | 'verifies, to sign next' | 'verifies still';
    /** The `kid` of its tokens and in `/openid/v1/jwks`. */
    readonly keyId: string;
  }[];
}

const NEXT = { settled: null, publish: 'sign', sign: 'drop' } as const;

/**
 * Reports the stage by the files of the keys. Reads only.
 *
 * @throws PkiError as `inspectTokenKeys`; NodeErrors
 */
export async function reportTokenRotation(node: Node): Promise<TokenRotationReport> {
  const { state } = await inspectTokenKeysOfNode(node);
  const { stage, current, next, former, files } = state;
  return {
    stage,
    next: NEXT[stage],
    file: files.verifying,
    keys: [
      { role: 'signs', keyId: current.keyId },
      ...(next === undefined ? [] : [{ role: 'verifies, to sign next', keyId: next.keyId } as const]),
      ...former.map(({ keyId }) => ({ role: 'verifies still', keyId }) as const),
    ],
  };
}
