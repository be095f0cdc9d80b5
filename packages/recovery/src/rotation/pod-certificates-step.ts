import type { Node } from '@kube-rescue/node';
import type { Step, StepId } from '@kube-rescue/workflow';
import { describePodCertificates, findPodCertificates } from './pod-certificates.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/**
 * Names the pods whose own certificates the old CA has signed, once the new one signs: they must be replaced before the old CA is
 * dropped. Changes nothing.
 */
export function createPodCertificateStep(
  stage: 'issue' | 'drop',
  requires: readonly StepId[],
  input: RotationInput,
  node: Node,
): Step {
  return {
    id: `${stage}/pod-certificates`,
    title: 'find pods with a certificate of the old CA',
    requires,
    reversible: 'yes',
    isProof: true,
    check: () => Promise.resolve({ status: 'ok', summary: 'checked after the CA has changed', evidence: [] }),
    plan: () => [],
    apply: () => Promise.resolve(),
    verify: async (signal) => {
      const { state } = await inspectRotationOfNode(input, node);
      const warnings = describePodCertificates(await findPodCertificates(state.current.certificate, node, signal));
      if (warnings.length > 0) return { verified: true, evidence: [], warnings };
      return { verified: true, evidence: ['no pod is known to have a certificate of the old CA'] };
    },
  };
}
