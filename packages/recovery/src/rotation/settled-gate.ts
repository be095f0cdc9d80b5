import type { Step, StepId } from '@kube-rescue/workflow';
import { findPodStart } from '@kube-rescue/static-manifests';
import { findPod, type Node } from '@kube-rescue/node';
import { createGateStep } from '../gates/gate-step.ts';
import { inspectRotationOfNode, type RotationInput } from './rotation-input.ts';

/** The API server reloads its CA files once a minute (k8s.io/apiserver `dynamiccertificates` FileRefreshDuration). */
const REREAD_MS = 65_000;

/**
 * Waits until the API server has reloaded its CA file: it has started, or a minute has passed, since the file changed. Objects
 * must not change earlier: the API server would add the old CA to them again.
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
      title: 'wait until the API server has reloaded its CA file',
      requires,
      timeoutMs: REREAD_MS * 2,
      observe: async () => {
        const { node: description, state } = await inspectRotationOfNode(input, node);
        const changed = (await host.stat(state.files.certificate))?.modifiedAt ?? new Date(0);
        const pod = findPod(description, 'kube-apiserver');
        const started = pod && (await findPodStart(pod, node));
        const passed = clock.now().getTime() - changed.getTime();
        if (started !== undefined && started > changed) {
          return { verified: true, evidence: ['the API server has started since the CA file changed'] };
        }
        if (passed >= REREAD_MS) {
          return {
            verified: true,
            evidence: [
              `the CA file changed ${Math.round(passed / 1000)} s ago; the API server reloads it every minute`,
            ],
          };
        }
        const left = Math.ceil((REREAD_MS - passed) / 1000);
        return { verified: false, reason: `the API server reloads the CA file within ${Math.ceil(left / 10) * 10} s` };
      },
    },
    node,
  );
}
