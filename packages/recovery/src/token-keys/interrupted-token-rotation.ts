import { TOKEN_KEY_STAGES, tokenKeyStepId } from '@kube-rescue/cert-rotation/token-keys';
import type { Json, RunState } from '@kube-rescue/workflow';
import { TOKEN_ROTATION_PLAYBOOK, type TokenRotationInput } from './token-rotation-input.ts';

/** The input of a rotation; recorded in the header of its journal, read when the run is resumed. */
type RecordedTokenRotation = Required<Pick<TokenRotationInput, 'stages'>> &
  Pick<TokenRotationInput, 'resignSecrets' | 'revokeTokens'>;

interface InterruptedTokenRotation extends RecordedTokenRotation {
  /** The run has already published a new key. */
  readonly hasBegun: boolean;
}

/** The part of `input` that a resumed run needs, as JSON. */
export function recordTokenRotation({ stages, resignSecrets, revokeTokens }: RecordedTokenRotation): Json {
  return {
    command: 'certs rotate-sa',
    stages: [...stages],
    resignSecrets: resignSecrets === true,
    revokeTokens: revokeTokens === true,
  };
}

/** The newest rotation of the key, when it has not completed; `undefined` otherwise. */
export function findInterruptedTokenRotation(runs: readonly RunState[]): InterruptedTokenRotation | undefined {
  const run = runs.findLast(({ playbook }) => playbook === TOKEN_ROTATION_PLAYBOOK);
  if (run === undefined || run.outcome === 'done') return undefined;
  const { input } = run;
  const recorded = typeof input === 'object' && input !== null && !Array.isArray(input) ? Object.entries(input) : [];
  const fields = new Map<string, Json>(recorded);
  const stages = fields.get('stages');
  return {
    stages: TOKEN_KEY_STAGES.filter((stage) => Array.isArray(stages) && stages.includes(stage)),
    resignSecrets: fields.get('resignSecrets') === true,
    revokeTokens: fields.get('revokeTokens') === true,
    hasBegun: run.applied.has(tokenKeyStepId('publish')),
  };
}
