import { type EquippedNode, execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const DEADLINE_MS = 90_000;

/**
 * Proves that the kubelet renews its node's lease: for 40 s after an outage a node is listed as Ready although its kubelet is
 * silent.
 */
export function proveKubeletSpeaks(at: EquippedNode, since: Date, deps: LabDeps): Promise<Proof> {
  return prove('the kubelet renews the lease of its node', async () => {
    const output = 'jsonpath={.spec.renewTime}';
    const lease = ['kubectl', 'get', 'lease', '--namespace=kube-node-lease', at.node.name, '--output', output] as const;
    const renewed = await waitFor(deps, {
      subject: `lease/${at.node.name}`,
      deadlineMs: DEADLINE_MS,
      intervalMs: 1000,
      check: async () => {
        const { stdout, stderr } = await execOnNode(at, lease, deps);
        return new Date(stdout) > since
          ? { value: stdout }
          : { waitingFor: `renewed at ${stdout || stderr.trim() || 'no time'}` };
      },
    });
    return { ok: true, detail: `renewed at ${renewed}` };
  });
}
