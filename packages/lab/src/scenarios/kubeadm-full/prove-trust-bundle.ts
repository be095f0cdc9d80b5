import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { kubectlPod } from '../kubectl-pod.ts';

const DEADLINE_MS = 90_000;
const DIRECTORY = '/bundle';
const SIGNER = 'kubernetes.io/kube-apiserver-serving';
const ANSWER = 'ok from the API server';

/**
 * Proves that a pod trusts the API server by the ClusterTrustBundle that kube-controller-manager publishes and the kubelet projects
 * into it.
 */
export function proveTrustBundle(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a pod trusts the API server by a ClusterTrustBundle', async () => {
    const name = `bundle-${deps.clock.now().getTime()}`;
    await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, {
      input: JSON.stringify(bundlePod(cluster, name)),
    });
    const detail = await waitFor(deps, {
      subject: `pod/${name}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const log = await execOnNode(cluster, ['kubectl', 'logs', name, '--tail=1'], deps);
        return log.stdout.trim() === ANSWER
          ? { value: ANSWER }
          : { waitingFor: log.stdout.trim() || log.stderr.trim() };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'pod', name, '--wait=false'], deps);
    return { ok: true, detail };
  });
}

function bundlePod(cluster: Cluster, name: string): object {
  return kubectlPod(cluster, {
    name,
    server: 'https://kubernetes.default.svc',
    ca: `${DIRECTORY}/ca.crt`,
    script: (kubectl) => `${kubectl} get --raw /readyz && /bin/busybox echo ' from the API server'`,
    spec: { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0 },
    volume: {
      mountPath: DIRECTORY,
      source: {
        projected: {
          sources: [{ clusterTrustBundle: { signerName: SIGNER, labelSelector: {}, path: 'ca.crt' } }],
        },
      },
    },
  });
}
