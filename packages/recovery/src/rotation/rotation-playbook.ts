import { PkiError, stageStepIds } from '@kube-rescue/cert-rotation';
import type { Phase, Playbook, Step } from '@kube-rescue/workflow';
import { assertSingleKubeadmNode, type Node, NodeError } from '@kube-rescue/node';
import { otherNodesStepId } from './other-nodes-step.ts';
import {
  inspectRotationOfNode,
  mayBegin,
  rotationPlaybookId,
  type RotationInput,
  type RotationStatus,
  type RotationStageName,
} from './rotation-input.ts';
import { STAGE_STEPS } from './rotation-stages.ts';

const TITLES: Readonly<Record<RotationStageName, string>> = {
  trust: 'Trust the old CA and a new one',
  issue: 'Issue with the new CA',
  drop: 'Drop the old CA',
};

/**
 * Rotates an authority of a kubeadm control plane to a new key while the cluster works, in three stages, each proven before the
 * next: both are trusted everywhere, then the new one signs, then the old one is dropped. Which stage a cluster is in is read from
 * its files; a stage goes on where it was left.
 *
 * The API server is restarted for a CA of etcd only. Pods on other nodes, and what people keep on their own machines, are not
 * reached. Its phases throw PkiError `PKI_ROTATION_STAGE` when a stage is asked for before its turn, and NodeErrors, before
 * anything is written.
 */
export function createRotationPlaybook(node: Node, input: RotationInput): Playbook {
  return {
    id: rotationPlaybookId(input.ca),
    title: 'Rotate an authority to a new key',
    phases: input.stages.map((stage, at) => createPhase(stage, at === 0, node, input)),
  };
}

function createPhase(stage: RotationStageName, isFirst: boolean, node: Node, input: RotationInput): Phase {
  return node.phase({
    id: stage,
    title: TITLES[stage],
    steps: async () => {
      assertLive(node);
      // Opened again with the credentials as they are by now.
      await node.objects.close();
      // A stage changes flags of components, so its steps ask the node itself, not its description when the phase began.
      const sight = await inspectRotationOfNode(input, node);
      assertSingleKubeadmNode(sight.node);
      if (isFirst) assertTurn(stage, sight, input);
      const steps = await STAGE_STEPS[stage](sight, input, node);
      return isReached(stage, sight, input) ? steps : steps.map((step) => awaiting(step, stage, input));
    },
  });
}

/** A stage that comes after another one in the same plan is looked at again when it is reached. */
function isReached(stage: RotationStageName, { state }: RotationStatus, input: RotationInput): boolean {
  if (stage === 'trust' || input.hasBegun === true) return true;
  return stage === 'issue'
    ? state.stage !== 'settled' || !mayBegin(input)
    : state.stage === 'issue' || !mayBegin(input);
}

function assertLive({ host }: Node): void {
  if (host.kind === 'live') return;
  throw new NodeError({
    code: 'NODE_NOT_LIVE',
    message: 'a CA is rotated with the cluster at work, which a copy of its files is not',
    subject: host.name,
    hint: 'run it on the control-plane node itself',
  });
}

function assertTurn(stage: RotationStageName, { state }: RotationStatus, { ca, hasBegun }: RotationInput): void {
  const isEarly =
    (stage === 'issue' && state.stage === 'settled' && hasBegun !== true) ||
    (stage === 'drop' && state.stage === 'trust');
  if (!isEarly) return;
  throw new PkiError({
    code: 'PKI_ROTATION_STAGE',
    message:
      stage === 'issue' ? 'there is no new CA yet that could sign' : 'the old CA signs still, so it cannot be dropped',
    subject: state.files.certificate,
    hint: `the stage before it comes first: certs rotate-ca ${ca} --stage ${stage === 'issue' ? 'trust' : 'issue'}`,
  });
}

function awaiting(step: Step, stage: RotationStageName, { ca }: RotationInput): Step {
  // What would stop the run halfway is told before it begins.
  if (stage !== 'trust' && step.id === otherNodesStepId(stage, { ca })) return step;
  const waitsFor = [stageStepIds(ca)[stage === 'issue' ? 'trust' : 'issue']];
  return {
    ...step,
    check: () =>
      Promise.resolve({
        status: 'blocked',
        summary: 'it is looked at when the stage before it is done',
        evidence: [],
        code: 'PKI_ROTATION_STAGE',
        waitsFor,
      }),
  };
}
