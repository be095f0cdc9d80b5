import { PkiError } from '@kube-rescue/cert-rotation';
import { stageStepIds } from '@kube-rescue/cert-rotation/rotation';
import { assertSingleMember } from '../kubeadm/single-member.ts';
import type { Phase, Playbook, Step } from '@kube-rescue/workflow';
import { assertSingleKubeadmNode, type Node } from '@kube-rescue/node';
import { otherNodesStepId } from './other-nodes-step.ts';
import {
  inspectRotationOfNode,
  mayBegin,
  rotationPlaybookId,
  type RotationInput,
  type RotationStatus,
  type RotationStageName,
} from './rotation-input.ts';
import { afterPreviousStage, assertServing } from './stage-order.ts';
import { STAGE_STEPS } from './rotation-stages.ts';

const TITLES: Readonly<Record<RotationStageName, string>> = {
  trust: 'Trust the old CA and a new one',
  issue: 'Issue with the new CA',
  drop: 'Drop the old CA',
};

/**
 * Rotates a CA of a kubeadm control plane to a new key while the cluster serves, in three stages, each verified before the next:
 * old and new CA are trusted everywhere, then the new CA signs, then the old CA is removed. The files of the node show the stage;
 * an interrupted stage continues.
 *
 * Restarts the API server for an etcd CA, and where it trusts the CA in a server that it calls (a webhook, a kubelet). Does not reach kubelets of other nodes, nor kubeconfigs elsewhere. Its phases throw
 * PkiError `PKI_ROTATION_STAGE` for a stage out of order, and NodeErrors, before anything is written.
 */
export function createRotationPlaybook(node: Node, input: RotationInput): Playbook {
  return {
    id: rotationPlaybookId(input.ca),
    title: 'Rotate a CA to a new key',
    phases: input.stages.map((stage, at) => createPhase(stage, at === 0, node, input)),
  };
}

function createPhase(stage: RotationStageName, isFirst: boolean, node: Node, input: RotationInput): Phase {
  return node.phase({
    id: stage,
    title: TITLES[stage],
    steps: async (_node, _description, signal) => {
      assertServing(node, 'a CA');
      // Opened again with the current credentials.
      await node.objects.close();
      // A stage changes flags of components, so its steps read the node again, not its description from the start of the phase.
      const status = await inspectRotationOfNode(input, node);
      assertSingleKubeadmNode(status.node);
      if (isFirst) {
        await assertSingleMember(node, signal, 'change-ca');
        assertTurn(stage, status, input);
      }
      const steps = await STAGE_STEPS[stage](status, input, node);
      return isReached(stage, status, input) ? steps : steps.map((step) => awaiting(step, stage, input));
    },
  });
}

/** Whether a stage can be planned now: a stage after another one of the same plan is checked when that one has completed. */
function isReached(stage: RotationStageName, { state }: RotationStatus, input: RotationInput): boolean {
  if (stage === 'trust' || input.hasBegun === true) return true;
  return stage === 'issue'
    ? state.stage !== 'settled' || !mayBegin(input)
    : state.stage === 'issue' || !mayBegin(input);
}

function assertTurn(stage: RotationStageName, { state }: RotationStatus, { ca, hasBegun }: RotationInput): void {
  const isEarly =
    (stage === 'issue' && state.stage === 'settled' && hasBegun !== true) ||
    (stage === 'drop' && state.stage === 'trust');
  if (!isEarly) return;
  throw new PkiError({
    code: 'PKI_ROTATION_STAGE',
    message: stage === 'issue' ? 'there is no new CA to sign with' : 'the old CA cannot be dropped: it still signs',
    subject: state.files.certificate,
    hint: `run the previous stage first: certs rotate-ca ${ca} --stage ${stage === 'issue' ? 'trust' : 'issue'}`,
  });
}

function awaiting(step: Step, stage: RotationStageName, { ca }: RotationInput): Step {
  // A step that would block halfway blocks the run before its start.
  if (stage !== 'trust' && step.id === otherNodesStepId(stage, { ca })) return step;
  return afterPreviousStage(step, [stageStepIds(ca)[stage === 'issue' ? 'trust' : 'issue']]);
}
