import type { LabDeps } from '../../machine/lab-deps.ts';
import { type EquippedNode, runOnNode } from '../../cluster/node-command.ts';
import { waitFor } from '../../machine/waiting.ts';

const DEADLINE_MS = 90_000;
const PKI = '/etc/kubernetes/pki';

/**
 * Sends a request to the API server as a front proxy on behalf of the administrator. The API server accepts the headers only
 * with a client certificate of the front proxy CA. Waits until the API server serves.
 *
 * @returns the status of the answer
 */
export function askThroughFrontProxy(cluster: EquippedNode, deps: LabDeps): Promise<string> {
  const argv = [
    ...(['curl', '--silent', '--insecure', '--max-time', '5', '--output', '/dev/null'] as const),
    ...['--write-out', '%{http_code}', '--cert', `${PKI}/front-proxy-client.crt`],
    ...['--key', `${PKI}/front-proxy-client.key`, '--header', 'X-Remote-User: kubernetes-admin'],
    ...['--header', 'X-Remote-Group: system:masters', `https://${cluster.node.address}:6443/api/v1/nodes`],
  ] as const;
  return waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const status = (await runOnNode(cluster, ['sh', '-c', '"$@" || true', 'sh', ...argv], deps)).stdout.trim();
      // It answers 403 until its authorizer is ready.
      const isUp = /^[24]\d\d$/.test(status) && status !== '403';
      return isUp ? { value: status } : { waitingFor: `the API server answers ${status}` };
    },
  });
}
