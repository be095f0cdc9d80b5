import type { Cluster } from '../../cluster.ts';
import type { LabDeps } from '../../deps.ts';
import { execOnNode } from '../../node-command.ts';
import { kubectlPod } from '../kubectl-pod.ts';
import type { FailedRequest } from './load.ts';

/** The pod that polls the API server with the token and the CA that it is handed. */
export const POLLER = 'poller';

/** A pod that reads its token and CA anew for each request, as client libraries do with the token. */
export function pollerPod(cluster: Pick<Cluster, 'node' | 'binaries'>): object {
  return kubectlPod(cluster, {
    name: POLLER,
    server: `https://${cluster.node.address}:6443`,
    script: (kubectl) => {
      const ask = `${kubectl} --request-timeout=5s get --raw /apis`;
      return `while :; do t=$(/bin/busybox date +%s); if why=$(${ask} 2>&1 >/dev/null); then echo "$t ok"; else echo "$t $(echo $why)"; fi; /bin/busybox sleep 0.5; done`;
    },
    spec: { terminationGracePeriodSeconds: 0 },
  });
}

/** What the pod has seen so far; nothing when its log cannot be read. */
export async function readPollerLog(
  cluster: Cluster,
  deps: LabDeps,
): Promise<{ readonly requests: number; readonly failures: readonly FailedRequest[] }> {
  const { stdout, exitCode } = await execOnNode(cluster, ['kubectl', 'logs', POLLER], deps);
  return exitCode === 0 ? parsePollerLog(stdout) : { requests: 0, failures: [] };
}

/** @param text lines of `SECONDS ok` or `SECONDS REASON` */
export function parsePollerLog(text: string): {
  readonly requests: number;
  readonly failures: readonly FailedRequest[];
} {
  const lines = [...text.matchAll(/^(\d{10}) (.*)$/gm)];
  const failures = lines
    .filter(([, , said]) => said !== 'ok')
    .map(([, time, reason = '']) => ({ client: 'pod' as const, at: new Date(Number(time) * 1000), reason }));
  return { requests: lines.length, failures };
}
