import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

/** metrics-server takes two looks at each kubelet before it has a figure. */
const DEADLINE_MS = 120_000;
const NODE_METRICS = '/apis/metrics.k8s.io/v1beta1/nodes';

interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly usage: { readonly cpu?: string; readonly memory?: string };
}

/**
 * Proves that an extension API server serves fresh figures of every node. Needs the front proxy certificate, its caBundle, a
 * ClusterIP, and the serving certificate of each kubelet.
 */
export function proveMetrics(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  const since = deps.clock.now();
  return prove('metrics-server serves figures of every node through the API server', async () => {
    const detail = await waitFor(deps, {
      subject: NODE_METRICS,
      deadlineMs: DEADLINE_MS,
      intervalMs: 1000,
      check: async () => {
        const { stdout, stderr, exitCode } = await execOnNode(cluster, ['kubectl', 'get', '--raw', NODE_METRICS], deps);
        if (exitCode !== 0) return { waitingFor: stderr.trim() };
        const { items } = JSON.parse(stdout) as { items: readonly NodeMetrics[] };
        const fresh = items.filter(({ timestamp, usage }) => new Date(timestamp) > since && usage.cpu !== undefined);
        if (fresh.length < cluster.nodes.length) return { waitingFor: `fresh figures of ${fresh.length} nodes` };
        return {
          value: fresh.map(({ metadata, usage }) => `${metadata.name} ${usage.cpu} ${usage.memory}`).join(', '),
        };
      },
    });
    return { ok: true, detail };
  });
}
