import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import type { Proof } from '../../proofs/proof.ts';
import { proveClusterAddress, proveNames } from './prove-services.ts';
import { proveMetrics } from './prove-metrics.ts';
import { proveApiServer } from './prove-api-server.ts';
import { proveTrustBundle } from './prove-trust-bundle.ts';
import { proveExec, proveLogs, proveServing } from './prove-kubelets.ts';

/** Since then ClusterTrustBundles are enabled by default. */
const TRUST_BUNDLES_SINCE = 37;

/** Proves by effects that the addons work on every node: names, Services, logs, exec, and the extension API server. */
export async function proveAddons(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const proofs = await Promise.all([
    ...cluster.nodes.map(({ node }) => proveServing(cluster, node, deps)),
    proveClusterAddress(cluster, deps),
    ...cluster.nodes.map(({ node }) => proveNames(cluster, node, deps)),
    proveLogs(cluster, deps),
    proveExec(cluster, deps),
    proveMetrics(cluster, deps),
    ...(cluster.release.minor < TRUST_BUNDLES_SINCE ? [] : [proveTrustBundle(cluster, deps)]),
  ]);
  return [...proofs, ...(await proveApiServer(cluster, deps))];
}
