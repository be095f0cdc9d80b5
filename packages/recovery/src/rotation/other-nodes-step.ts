import { fieldsAt } from '@kube-rescue/cluster-objects';
import type { Step } from '@kube-rescue/workflow';
import { findNodeName, type Node } from '@kube-rescue/node';
import { isStageDue, inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

const NAMED = 10;

/**
 * Blocks a stage that would disconnect other nodes; changes nothing on them. Their kubelets must trust both CAs before the issue
 * stage, and have certificates of the new CA before the drop stage.
 */
export function createOtherNodesStep(stage: 'issue' | 'drop', input: RotationInput, node: Node): Step {
  const task =
    stage === 'issue'
      ? 'copy the CA bundle of pki/ca.crt into pki/ca.crt and kubelet.conf of each node, and restart its kubelet'
      : 'have each kubelet get a certificate of the new CA';
  return {
    id: otherNodesStepId(stage, input),
    title: 'verify that no other node loses its connection',
    requires: [],
    reversible: 'yes',
    check: async (signal) => {
      const { node: description, state } = await inspectRotationOfNode(input, node);
      const isAhead =
        isStageDue(stage, state.stage, input) || state.stage === 'trust' || input.stages.includes('trust');
      if (!isAhead) return { status: 'ok', summary: 'the stage has already begun', evidence: [] };
      if (input.nodesReady === true)
        return { status: 'ok', summary: 'the operator asserts that the other nodes are prepared', evidence: [] };
      const nodes = await node.api.list('/api/v1/nodes', signal);
      const subject = state.files.certificate;
      if (nodes === undefined) {
        const hint = 'the cluster must be serving: check with kubectl get nodes';
        const summary = 'the nodes of the cluster cannot be listed';
        return { status: 'unknown', summary, evidence: [], code: 'OBJECT_STORE_UNREACHABLE', subject, hint };
      }
      const own = await findNodeName(description, node);
      const others = nodes.map((each) => String(fieldsAt(each, 'metadata')['name'])).filter((name) => name !== own);
      if (others.length === 0) return { status: 'ok', summary: 'there is no other node', evidence: [] };
      const names = others.slice(0, NAMED).join(', ') + (others.length > NAMED ? ', and more' : '');
      return {
        status: 'blocked',
        summary: `other nodes would lose their connection: ${names}`,
        evidence: [],
        code: 'PKI_ROTATION_STAGE',
        subject,
        hint: `${task}; then pass --nodes-ready`,
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
