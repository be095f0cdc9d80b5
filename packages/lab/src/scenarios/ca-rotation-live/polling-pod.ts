import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { kubectlPod } from '../kubectl-pod.ts';
import type { WaitStatus } from '../../machine/waiting.ts';
import { type FailedRequest, REQUEST_TIMEOUT_S } from './failed-request.ts';

/** The pod that polls the API server with its service account token and CA. */
export const POLLER = 'poller';

/** A pod that reads its token and CA for each request, as client libraries do with the token. */
export function pollerPod(cluster: Pick<Cluster, 'node' | 'binaries'>): object {
  return kubectlPod(cluster, {
    name: POLLER,
    server: `https://${cluster.node.address}:6443`,
    script: (kubectl) => {
      const ask = `${kubectl} --request-timeout=${REQUEST_TIMEOUT_S}s get --raw /apis`;
      return `while :; do t=$(/bin/busybox date +%s); if why=$(${ask} 2>&1 >/dev/null); then echo "$t ok"; else echo "$t $(echo $why)"; fi; /bin/busybox sleep 0.5; done`;
    },
    spec: { terminationGracePeriodSeconds: 0 },
  });
}

/** Reads the pod's report so far from its log, through the API server, which may be restarting. */
export async function readPollerLog(
  cluster: Cluster,
  deps: LabDeps,
): Promise<WaitStatus<{ readonly requests: number; readonly failures: readonly FailedRequest[] }>> {
  const { stdout, stderr, exitCode } = await execOnNode(cluster, ['kubectl', 'logs', POLLER, '--timestamps'], deps);
  if (exitCode !== 0) return { waitingFor: stderr.trim() };
  const report = parsePollerLog(stdout);
  return report.requests > 0 ? { value: report } : { waitingFor: 'the pod has sent no request yet' };
}

/** @param text lines of `END START ok` or `END START REASON`: RFC 3339 with nanoseconds, and seconds since 1970 */
export function parsePollerLog(text: string): {
  readonly requests: number;
  readonly failures: readonly FailedRequest[];
} {
  const lines = [...text.matchAll(/^(\S+) (\d{10}) (.*)$/gm)];
  const failures = lines
    .filter(([, , , result]) => result !== 'ok')
    .map(([, end = '', start, reason = '']) => ({
      client: 'pod' as const,
      at: new Date(Number(start) * 1000),
      until: new Date(end),
      reason,
    }));
  return { requests: lines.length, failures };
}
