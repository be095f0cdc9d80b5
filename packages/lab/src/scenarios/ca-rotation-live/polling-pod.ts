import { joinPath } from '@kube-rescue/host';
import type { Cluster } from '../../cluster.ts';
import type { LabDeps } from '../../deps.ts';
import { WEB_IMAGE } from '../../images.ts';
import { execOnNode } from '../../node-command.ts';
import type { FailedRequest } from './load.ts';

/** The pod that polls the API server with the token and the CA that it is handed. */
export const POLLER = 'poller';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A pod that reads its token and CA anew for each request, as client libraries do with the token. */
export function pollerPod({ node, binaries }: Pick<Cluster, 'node' | 'binaries'>): object {
  const kubectl = `/kubectl --server=https://${node.address}:6443 --certificate-authority=${ACCOUNT}/ca.crt --token="$(/bin/busybox cat ${ACCOUNT}/token)" --request-timeout=5s get --raw /apis`;
  const script = `while :; do t=$(/bin/busybox date +%s); if why=$(${kubectl} 2>&1 >/dev/null); then echo "$t ok"; else echo "$t $(echo $why)"; fi; /bin/busybox sleep 0.5; done`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: POLLER },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'client',
          image: WEB_IMAGE,
          imagePullPolicy: 'Never',
          command: ['/bin/busybox', 'sh', '-c', script],
          env: [{ name: 'HOME', value: '/' }],
          volumeMounts: [{ name: 'kubectl', mountPath: '/kubectl', readOnly: true }],
        },
      ],
      volumes: [{ name: 'kubectl', hostPath: { path: joinPath(binaries, 'kubectl'), type: 'File' } }],
    },
  };
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
