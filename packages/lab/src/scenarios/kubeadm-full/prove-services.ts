import type { Cluster } from '../../cluster/cluster.ts';
import { WEB_DEPLOYMENT } from '../../cluster/deployment.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { WEB_ANSWER } from '../../kubernetes/images.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import type { ClusterNode } from '../../machine/lab-directory.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { kubectlPod } from '../kubectl-pod.ts';

const DEADLINE_MS = 90_000;
const SERVICE = `http://${WEB_DEPLOYMENT}.default.svc.cluster.local`;
const API = 'https://kubernetes.default.svc';

/** Needs kube-proxy on the control-plane node. */
export function proveClusterAddress(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('a ClusterIP answers', async () => {
    const detail = await waitFor(deps, {
      subject: `service/${WEB_DEPLOYMENT}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const output = ['--output', 'jsonpath={.spec.clusterIP}'];
        const found = await execOnNode(cluster, ['kubectl', 'get', 'service', WEB_DEPLOYMENT, ...output], deps);
        if (found.exitCode !== 0) return { waitingFor: found.stderr.trim() };
        const url = `http://${found.stdout.trim()}/`;
        const answer = await execOnNode(cluster, ['curl', '--silent', '--max-time', '3', url], deps);
        return answer.stdout.trim() === WEB_ANSWER
          ? { value: `${url} answers "${WEB_ANSWER}"` }
          : { waitingFor: `${url} does not answer` };
      },
    });
    return { ok: true, detail };
  });
}

/**
 * Needs CoreDNS, kube-proxy on the node, and the pod's projected token and CA: kubectl finds the Service and the API server by name.
 */
export function proveNames(cluster: Cluster, { name: nodeName }: ClusterNode, deps: LabDeps): Promise<Proof> {
  return prove(`in a pod on ${nodeName} DNS answers, and so do the Services that it names`, async () => {
    const pod = `names-${nodeName}-${deps.clock.now().getTime()}`;
    await createOnceReady(cluster, pod, nodeName, deps);
    const detail = await waitFor(deps, {
      subject: `pod/${pod}`,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const log = await execOnNode(cluster, ['kubectl', 'logs', pod, '--tail=1'], deps);
        const line = log.stdout.trim();
        return line.startsWith(`${WEB_ANSWER} `) ? { value: line } : { waitingFor: line || log.stderr.trim() };
      },
    });
    await runOnNode(cluster, ['kubectl', 'delete', 'pod', pod, '--wait=false'], deps);
    return { ok: true, detail };
  });
}

async function createOnceReady(cluster: Cluster, name: string, nodeName: string, deps: LabDeps): Promise<void> {
  const spec = { nodeName, restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0 };
  const input = JSON.stringify(kubectlPod(cluster, { name, server: API, script: askByName, spec }));
  await waitFor(deps, {
    subject: `pod/${name}`,
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const created = await execOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input });
      const isThere = created.exitCode === 0 || created.stderr.includes('AlreadyExists');
      return isThere ? { value: undefined } : { waitingFor: created.stderr.trim() };
    },
  });
}

/** Prints the answer of the Service, and the address that DNS has for the API server. */
function askByName(kubectl: string): string {
  return `while :; do
  answer="$(/kubectl --server=${SERVICE} --request-timeout=3s get --raw /index.html)" &&
    ${kubectl} --request-timeout=3s get --raw /apis >/dev/null &&
    address="$(/bin/busybox nslookup kubernetes.default.svc.cluster.local | /bin/busybox grep '^Address: ')" &&
    /bin/busybox echo "$answer from ${SERVICE}, and the API server's $address" && exit 0
  /bin/busybox sleep 1
done`;
}
