import type { Step, StepId } from '@kube-rescue/workflow';
import { findPodStart } from '@kube-rescue/static-manifests';
import { findPod, type Node } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/** The API server looks once a minute (k8s.io/apiserver `dynamiccertificates` FileRefreshDuration). */
const REREAD_MS = 65_000;

/**
 * The API server has read again what it trusts: it was started, or has had its minute, since the file changed. Nothing is to be
 * published before, because it adds to what it finds there whatever it trusts itself.
 */
export function createRereadGate(
  { id, requires }: { readonly id: StepId; readonly requires: readonly StepId[] },
  input: RotationInput,
  node: Node,
): Step {
  const { host, clock } = node;
  return createGateStep(
    {
      id,
      title: 'let the API server read again what it trusts',
      requires,
      timeoutMs: REREAD_MS * 2,
      look: async () => {
        const { node: description, state } = await inspectRotationOfNode(input, node);
        const changed = (await host.stat(state.files.certificate))?.modifiedAt ?? new Date(0);
        const pod = findPod(description, 'kube-apiserver');
        const started = pod && (await findPodStart(pod, node));
        const passed = clock.now().getTime() - changed.getTime();
        if (started !== undefined && started > changed) {
          return { verified: true, evidence: ['the API server was started with it'] };
        }
        if (passed >= REREAD_MS) {
          return {
            verified: true,
            evidence: [`it has been there for ${Math.round(passed / 1000)} s, and is read every minute`],
          };
        }
        const left = Math.ceil((REREAD_MS - passed) / 1000);
        return { verified: false, reason: `the API server reads it again within ${Math.ceil(left / 10) * 10} s` };
      },
    },
    node,
  );
}
