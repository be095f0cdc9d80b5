import { PkiError } from '@kube-rescue/cert-rotation';
import {
  createDropKeyStep,
  createPublishStep,
  createSignStep,
  createTokenSecretStep,
  type TokenKeyStageName,
  tokenKeyStepId,
} from '@kube-rescue/cert-rotation/token-keys';
import { assertSingleKubeadmNode, type Node } from '@kube-rescue/node';
import type { Phase, Playbook, Step, StepId } from '@kube-rescue/workflow';
import { createApiGate } from '../gates/gates.ts';
import { createLeaderGate } from '../gates/leader-gate.ts';
import { assertSingleMember } from '../kubeadm/single-member.ts';
import { accessObjects } from '../rotation/rotation-input.ts';
import { afterPreviousStage, assertServing } from '../rotation/stage-order.ts';
import { createIssuerStep } from './issuer-step.ts';
import { createKeySetGate, createTokenGate } from './token-gates.ts';
import { createTokenHoldersStep } from './token-holders-step.ts';
import { createTokenRestartStep } from './token-restart.ts';
import {
  inspectTokenKeysOfNode,
  mayBeginTokens,
  TOKEN_ROTATION_PLAYBOOK,
  tokenContextOf,
  type TokenRotationInput,
  type TokenRotationStatus,
} from './token-rotation-input.ts';

const TITLES: Readonly<Record<TokenKeyStageName, string>> = {
  publish: 'Publish a new key of service account tokens',
  sign: 'Sign with the new key',
  drop: 'Drop the old key',
};
const BEFORE = { sign: 'publish', drop: 'sign' } as const;

/**
 * Rotates the key of service account tokens of a kubeadm control plane while the cluster serves, in three stages, each verified before
 * the next: the API server verifies by the old key and a new one, then the new key signs, then the old key is removed, once no token
 * of it is in use. The files of the node show the stage; an interrupted stage continues.
 *
 * Restarts the API server in each stage. Does not restart pods, and does not replace tokens outside of the cluster. Its phases throw
 * PkiError `PKI_ROTATION_STAGE` for a stage out of order, `PKI_TOKEN_SIGNER_EXTERNAL` `PKI_TOKEN_KEY_LAYOUT`, and NodeErrors, before
 * anything is written.
 */
export function createTokenRotationPlaybook(node: Node, input: TokenRotationInput): Playbook {
  return {
    id: TOKEN_ROTATION_PLAYBOOK,
    title: 'Rotate the key of service account tokens',
    phases: input.stages.map((stage, at) => createPhase(stage, at === 0, node, input)),
  };
}

function createPhase(stage: TokenKeyStageName, isFirst: boolean, node: Node, input: TokenRotationInput): Phase {
  return node.phase({
    id: stage,
    title: TITLES[stage],
    steps: async (_node, _description, signal) => {
      assertServing(node, 'the key of service account tokens');
      await node.objects.close();
      const description = await node.describe();
      assertSingleKubeadmNode(description);
      const status = await inspectTokenKeysOfNode(node);
      if (isFirst) {
        await assertSingleMember(node, signal, 'change-token-key');
        assertTurn(stage, status, input);
      }
      const steps = createSteps(stage, input, node);
      return isReached(stage, status, input) ? steps : steps.map((step) => awaiting(step, stage));
    },
  });
}

function createSteps(stage: TokenKeyStageName, input: TokenRotationInput, node: Node): readonly Step[] {
  const context = tokenContextOf(node);
  const files = tokenKeyStepId(stage);
  const restart = { id: `${stage}/sa/restart`, requires: [files] };
  const after = [restart.id, files];
  const gates = (more: readonly Step[] = []): readonly Step[] => [
    createTokenRestartStep(stage, restart, input, node),
    ...[createApiGate(node, after), ...more].map((gate) => ({ ...gate, id: `${stage}/${gate.id}` })),
    createKeySetGate({ id: `${stage}/sa/keys`, requires: after }, node),
    createTokenGate(stage, { id: `${stage}/sa/tokens`, requires: after }, node),
  ];
  if (stage === 'publish') {
    const options = { keyAlgorithm: input.keyAlgorithm, mayBegin: mayBeginTokens(input) };
    return [createPublishStep(options, context), ...gates(), createIssuerStep(after, node)];
  }
  if (stage === 'sign') {
    const controllers = createLeaderGate('kube-controller-manager', node, after);
    return [createSignStep(context, { mayBegin: input.hasBegun !== true }), ...gates([controllers])];
  }
  const holders = createTokenHoldersStep(input, node);
  const requires: StepId[] = [holders.id];
  const secrets =
    input.resignSecrets === true
      ? [createTokenSecretStep({ id: 'drop/sa/secrets', requires: [holders.id] }, context, accessObjects(node))]
      : [];
  requires.push(...secrets.map(({ id }) => id));
  return [holders, ...secrets, createDropKeyStep({ requires }, context), ...gates()];
}

/** Whether a stage can be planned now: a stage after another one of the same plan is checked when that one has completed. */
function isReached(stage: TokenKeyStageName, { state }: TokenRotationStatus, input: TokenRotationInput): boolean {
  if (stage === 'publish' || input.hasBegun === true) return true;
  return stage === 'sign'
    ? state.stage !== 'settled' || !mayBeginTokens(input)
    : state.stage === 'sign' || !mayBeginTokens(input);
}

function assertTurn(stage: TokenKeyStageName, { state }: TokenRotationStatus, { hasBegun }: TokenRotationInput): void {
  const isEarly =
    (stage === 'sign' && state.stage === 'settled' && hasBegun !== true) ||
    (stage === 'drop' && state.stage === 'publish');
  if (!isEarly) return;
  throw new PkiError({
    code: 'PKI_ROTATION_STAGE',
    message: stage === 'sign' ? 'there is no new key to sign with' : 'the old key cannot be dropped: it still signs',
    subject: state.files.verifying,
    hint: `run the previous stage first: certs rotate-sa --stage ${stage === 'sign' ? 'publish' : 'sign'}`,
  });
}

function awaiting(step: Step, stage: TokenKeyStageName): Step {
  return afterPreviousStage(step, stage === 'publish' ? [] : [tokenKeyStepId(BEFORE[stage])]);
}
