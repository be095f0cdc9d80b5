import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { lastOutput } from '../../machine/command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import type { ClusterNode } from '../../machine/lab-directory.ts';
import { type WaitStatus, waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const DEADLINE_MS = 60_000;
const KUBE_PROXY_PODS = [
  ...(['kubectl', 'get', 'pods', '--namespace=kube-system', '--selector=k8s-app=kube-proxy'] as const),
  ...['--field-selector=status.phase=Running', '--output', 'jsonpath={.items[*].metadata.name}'],
] as const;

/** Proves that the kubelet of `node` presents a certificate of the cluster CA for its own address. */
export function proveServing(cluster: Cluster, { name, address }: ClusterNode, deps: LabDeps): Promise<Proof> {
  return prove(`the kubelet of ${name} presents a valid certificate of the cluster CA`, async () => {
    const argv = [
      ...(['openssl', 's_client', '-connect', `${address}:10250`, '-CAfile', '/etc/kubernetes/pki/ca.crt'] as const),
      ...['-verify_return_error', '-verify_ip', address],
    ] as const;
    const detail = await waitFor(deps, {
      subject: `kubelet of ${name}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const { exitCode, stdout, stderr } = await execOnNode(cluster, argv, deps, { input: '' });
        if (exitCode !== 0) return { waitingFor: lastOutput({ stdout, stderr }, 1) };
        return { value: /^subject=.*$/m.exec(stdout)?.[0] ?? 'verified' };
      },
    });
    return { ok: true, detail };
  });
}

export function proveLogs(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return proveOnEveryNode(cluster, 'kubectl logs works on every node', ['logs', '--tail=1'], [], deps);
}

export function proveExec(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  const program = ['--', '/usr/local/bin/kube-proxy', '--version'];
  return proveOnEveryNode(cluster, 'kubectl exec works on every node', ['exec'], program, deps);
}

/** Runs kubectl against the pod of kube-proxy on each node; the API server verifies the certificate of each kubelet. */
function proveOnEveryNode(
  cluster: Cluster,
  claim: string,
  [verb, ...flags]: readonly [string, ...string[]],
  rest: readonly string[],
  deps: LabDeps,
): Promise<Proof> {
  return prove(claim, async () => {
    const detail = await waitFor(deps, {
      subject: `kubectl ${verb}`,
      deadlineMs: DEADLINE_MS,
      check: async (): Promise<WaitStatus<string>> => {
        const pods = (await execOnNode(cluster, KUBE_PROXY_PODS, deps)).stdout.split(' ').filter((name) => name !== '');
        if (pods.length !== cluster.nodes.length) return { waitingFor: `kube-proxy runs on ${pods.length} nodes` };
        const lines: string[] = [];
        for (const pod of pods) {
          const argv = ['kubectl', verb, '--namespace=kube-system', ...flags, pod, ...rest] as const;
          const answer = await execOnNode(cluster, argv, deps);
          if (answer.exitCode !== 0 || answer.stdout.trim() === '') return { waitingFor: lastOutput(answer, 1) };
          lines.push(answer.stdout.trim());
        }
        return { value: `${pods.length} nodes, for example: ${lines[0] ?? ''}` };
      },
    });
    return { ok: true, detail };
  });
}
