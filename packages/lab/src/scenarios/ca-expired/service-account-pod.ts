import type { LabDeps } from '../../cluster/deps.ts';
import { type EquippedNode, execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { kubectlPod } from '../kubectl-pod.ts';

const DEADLINE_MS = 60_000;
const SAID = 'allowed to ask';

/**
 * A pod asks the API server with its own token, and judges it by the CA that it was handed.
 *
 * @param server URL under which the pod asks. Default: the node's own address
 */
export function proveServiceAccountPod(
  cluster: EquippedNode,
  deps: LabDeps,
  server = `https://${cluster.node.address}:6443`,
): Promise<Proof> {
  return prove('a pod talks to the API with its service account token and CA', async () => {
    const name = `account-${deps.clock.now().getTime()}`;
    await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, {
      input: JSON.stringify(clientPod(cluster, name, server)),
    });
    const detail = await waitFor(deps, {
      subject: `pod/${name}`,
      deadlineMs: DEADLINE_MS,
      look: async () => {
        const output = ['--output', 'jsonpath={.status.phase}'];
        const { stdout } = await execOnNode(cluster, ['kubectl', 'get', 'pod', name, ...output], deps);
        if (stdout !== 'Succeeded' && stdout !== 'Failed') return { waitingFor: `it is ${stdout}` };
        // The API server reads the log from the kubelet: with its client certificate, which the kubelet judges by the CA.
        const log = await execOnNode(cluster, ['kubectl', 'logs', name], deps);
        return log.exitCode === 0 ? { value: log.stdout.trim() } : { waitingFor: log.stderr.trim() };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'pod', name, '--wait=false'], deps);
    return { ok: detail.endsWith(SAID), detail };
  });
}

function clientPod(cluster: EquippedNode, name: string, server: string): object {
  return kubectlPod(cluster, {
    name,
    server,
    // Nobody without a token may see the groups of the API.
    script: (kubectl) => `${kubectl} get --raw /apis >/dev/null && /bin/busybox echo '${SAID}'`,
    spec: { restartPolicy: 'Never' },
  });
}
