import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../cluster/deps.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { waitFor } from '../../machine/waiting.ts';

const DEADLINE_MS = 90_000;
const PKI = '/etc/kubernetes/pki';

/**
 * Asks the API server as a front proxy that speaks for the administrator: it must know the front proxy's certificate by
 * the front proxy CA, and believes the headers only then. Waits for an API server that answers at all.
 *
 * @returns the status of the answer
 */
export function askThroughFrontProxy(cluster: Cluster, deps: LabDeps): Promise<string> {
  const argv = [
    ...(['curl', '--silent', '--insecure', '--max-time', '5', '--output', '/dev/null'] as const),
    ...['--write-out', '%{http_code}', '--cert', `${PKI}/front-proxy-client.crt`],
    ...['--key', `${PKI}/front-proxy-client.key`, '--header', 'X-Remote-User: kubernetes-admin'],
    ...['--header', 'X-Remote-Group: system:masters', `https://${cluster.node.address}:6443/api/v1/nodes`],
  ] as const;
  return waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs: DEADLINE_MS,
    look: async () => {
      const status = (await runOnNode(cluster, ['sh', '-c', '"$@" || true', 'sh', ...argv], deps)).stdout.trim();
      // Not before its authorizer is ready does it know anybody.
      const isUp = /^[24]\d\d$/.test(status) && status !== '403';
      return isUp ? { value: status } : { waitingFor: `the API server answers ${status}` };
    },
  });
}
