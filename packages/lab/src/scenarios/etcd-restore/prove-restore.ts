import type { Cluster } from '../../cluster/cluster.ts';
import { etcdctl } from '../../cluster/etcd-client.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { proveStableApi } from '../../proofs/api-stability.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { proveKubectlFails, proveEtcdctlFails } from '../kubeadm-expired/prove-death.ts';
import { proveNewWorkload, proveNodeReady } from '../kubeadm-expired/prove-life.ts';
import { AFTER, BEFORE } from './break-data.ts';

/** More than a cluster of minutes can have written. */
const RAISED = 1_000_000;

/** Proves that the data cannot be used, before any restore. */
export async function proveDataLost(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([proveEtcdctlFails(cluster, deps), proveKubectlFails(cluster, deps)]);
}

/** Proves that the cluster works with the data of the snapshot, by kubectl and etcdctl alone. */
export async function proveRestored(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([
    proveStableApi(cluster, deps),
    proveNodeReady(cluster, deps),
    proveNewWorkload(cluster, deps),
    proveObjects(cluster, deps),
    proveOneMember(cluster, deps),
    proveRevision(cluster, deps),
  ]);
}

function proveObjects(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('what was written before the snapshot is there, what was written after it is gone', async () => {
    const get = (name: string) => execOnNode(cluster, ['kubectl', 'get', 'configmap', name], deps);
    const [before, after] = [await get(BEFORE), await get(AFTER)];
    const isGone = after.exitCode !== 0 && after.stderr.includes('NotFound');
    return { ok: before.exitCode === 0 && isGone, detail: `${before.stdout}${after.stdout}${after.stderr}`.trim() };
  });
}

function proveOneMember(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('etcd has one member, this node', async () => {
    const { stdout, stderr } = await etcdctl(cluster, ['member', 'list'], deps);
    const members = stdout.trim().split('\n');
    return { ok: members.length === 1 && stdout.includes(`, ${cluster.node.name}, `), detail: stdout.trim() || stderr };
  });
}

/** Only etcdutl of 3.6 and later raises it. */
export function proveRevision(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  const mustRise = cluster.release.etcdVersion !== undefined;
  const what = mustRise ? 'is raised beyond every revision that a client can have seen' : 'is that of a new cluster';
  return prove(`the revision ${what}`, async () => {
    const query = ['kubectl', 'get', '--raw', '/api/v1/namespaces/default/configmaps'] as const;
    const { stdout } = await runOnNode(cluster, query, deps);
    const { metadata } = JSON.parse(stdout) as { readonly metadata: { readonly resourceVersion: string } };
    const revision = Number(metadata.resourceVersion);
    return { ok: revision > 0 && revision > RAISED === mustRise, detail: `resourceVersion ${revision}` };
  });
}
