import { fieldsAt } from '@kube-rescue/cluster-objects';
import type { Step } from '@kube-rescue/workflow';
import { findNodeName, type Node } from '@kube-rescue/node';
import { isStageDue, inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

const NAMED = 10;

/**
 * Lets no stage begin that would cut other nodes off: nothing on them is changed from here. Their kubelets must trust both CAs
 * before the new one issues, and have certificates of the new one before the old one is dropped.
 */
export function createOtherNodesStep(stage: 'issue' | 'drop', input: RotationInput, node: Node): Step {
  const task =
    stage === 'issue'
      ? 'put the bundle of pki/ca.crt into pki/ca.crt and kubelet.conf there, and restart their kubelets'
      : 'have their kubelets given certificates of the new CA';
  return {
    id: otherNodesStepId(stage, input),
    title: 'see that no other node is cut off',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      const { node: description, state } = await inspectRotationOfNode(input, node);
      const isAhead =
        isStageDue(stage, state.stage, input) || state.stage === 'trust' || input.stages.includes('trust');
      if (!isAhead) return { status: 'ok', summary: 'the stage is past this', evidence: [] };
      if (input.nodesReady === true)
        return { status: 'ok', summary: 'you say that other nodes are ready', evidence: [] };
      const nodes = await node.api.list('/api/v1/nodes', signal);
      const subject = state.files.certificate;
      if (nodes === undefined) {
        const hint = 'this is for a cluster that works: see kubectl get nodes';
        const summary = 'the nodes of the cluster cannot be listed';
        return { status: 'unknown', summary, evidence: [], code: 'OBJECT_STORE_UNREACHABLE', subject, hint };
      }
      const own = await findNodeName(description, node);
      const others = nodes.map((each) => String(fieldsAt(each, 'metadata')['name'])).filter((name) => name !== own);
      if (others.length === 0) return { status: 'ok', summary: 'there is no other node', evidence: [] };
      const names = others.slice(0, NAMED).join(', ') + (others.length > NAMED ? ', and more' : '');
      return {
        status: 'blocked',
        summary: `other nodes would be cut off: ${names}`,
        evidence: [],
        code: 'PKI_ROTATION_STAGE',
        subject,
        hint: `${task}; then go on with --nodes-ready`,
      };
    },
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: () => Promise.resolve({ verified: true, evidence: [] }),
  };
}

export function otherNodesStepId(stage: 'issue' | 'drop', { ca }: Pick<RotationInput, 'ca'>): string {
  return `${stage}/${ca}-ca/other-nodes`;
}
