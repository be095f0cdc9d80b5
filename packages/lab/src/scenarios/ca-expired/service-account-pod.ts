import type { LabDeps } from '../../machine/lab-deps.ts';
import { type EquippedNode, execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { kubectlPod } from '../kubectl-pod.ts';

const DEADLINE_MS = 60_000;
const SUCCESS = 'request allowed';

/**
 * Proves that a pod can request the API with its service account token, and verifies the server with its CA.
 *
 * @param server URL for the pod's requests. Default: the node's own address
 */
export function proveServiceAccountPod(
  cluster: EquippedNode,
  deps: LabDeps,
  server = `https://${cluster.node.address}:6443`,
): Promise<Proof> {
  return prove('a pod reaches the API with its service account token and CA', async () => {
    const name = `account-${deps.clock.now().getTime()}`;
    await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, {
      input: JSON.stringify(clientPod(cluster, name, server)),
    });
    const detail = await waitFor(deps, {
      subject: `pod/${name}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const output = ['--output', 'jsonpath={.status.phase}'];
        const { stdout } = await execOnNode(cluster, ['kubectl', 'get', 'pod', name, ...output], deps);
        if (stdout !== 'Succeeded' && stdout !== 'Failed') return { waitingFor: `the pod is ${stdout}` };
        // The API server reads the log from the kubelet, which verifies the API server's client certificate with the CA.
        const log = await execOnNode(cluster, ['kubectl', 'logs', name], deps);
        return log.exitCode === 0 ? { value: log.stdout.trim() } : { waitingFor: log.stderr.trim() };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'pod', name, '--wait=false'], deps);
    return { ok: detail.endsWith(SUCCESS), detail };
  });
}

function clientPod(cluster: EquippedNode, name: string, server: string): object {
  return kubectlPod(cluster, {
    name,
    server,
    // Anonymous users may not list the API groups.
    script: (kubectl) => `${kubectl} get --raw /apis >/dev/null && /bin/busybox echo '${SUCCESS}'`,
    spec: { restartPolicy: 'Never' },
  });
}
