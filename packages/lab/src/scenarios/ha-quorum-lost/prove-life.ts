import type { Cluster } from '../../cluster/cluster.ts';
import { WEB_DEPLOYMENT, waitForDeployment } from '../../cluster/deployment.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { proveStableApi } from '../../proofs/api-stability.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { proveRevision } from '../etcd-restore/prove-restore.ts';
import { proveEndpoint } from '../ha-expired/prove-endpoint.ts';
import { proveEtcdMembers } from '../ha-expired/prove-etcd.ts';
import { proveKubeletSpeaks } from '../ha-expired/prove-kubelet.ts';
import { proveElections } from '../ha-expired/prove-leaders.ts';
import { proveNewWorkload, proveNodeReady } from '../kubeadm-expired/prove-life.ts';
import { LAST, lostMembers } from './lose-quorum.ts';
import { proveNoReturn } from './prove-no-return.ts';

/** Pods of a deleted node are removed after two rounds of the garbage collector. */
const REPLACED_MS = 180_000;
const MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';

/**
 * Proves by kubectl, etcdctl, openssl and curl that the node that is left is a whole cluster with the data of before, and that a lost
 * member that is started again does not come back. Ends with that member off.
 */
export async function proveOneLeft(cluster: Cluster, since: Date, deps: LabDeps): Promise<readonly Proof[]> {
  const [first] = cluster.controlPlanes.filter(({ node }) => node.name === cluster.node.name);
  const alone: Cluster = { ...cluster, controlPlanes: first === undefined ? [] : [first] };
  const serving = await Promise.all([
    proveStableApi(cluster, deps),
    proveNodeReady(cluster, deps),
    proveEtcdMembers(alone, deps),
    proveRevision(cluster, deps),
    proveLastWrite(cluster, deps),
    proveNodesGone(cluster, deps),
    proveManifest(cluster, deps),
    proveKubeletSpeaks(cluster, since, deps),
    proveElections(alone, deps),
    proveNewWorkload(cluster, deps),
    proveOldWorkload(cluster, deps),
  ]);
  const endpoint = await proveEndpoint(cluster, deps);
  return [...serving.flat(), endpoint, ...(await proveNoReturn(cluster, deps))];
}

function proveLastWrite(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('the last object of before is there', async () => {
    const { stdout } = await runOnNode(cluster, ['kubectl', 'get', 'configmap', LAST, '--output', 'name'], deps);
    return { ok: stdout.trim() === `configmap/${LAST}`, detail: stdout.trim() };
  });
}

/** The operator has deleted them, as printed. */
function proveNodesGone(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('kubectl lists this node alone', async () => {
    const { stdout } = await runOnNode(cluster, ['kubectl', 'get', 'nodes', '--output', 'name'], deps);
    return { ok: stdout.trim() === `node/${cluster.node.name}`, detail: stdout.trim().split('\n').join(', ') };
  });
}

/** No longer by the members that its manifest named since it joined. */
function proveManifest(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  const { name, address } = cluster.node;
  return prove('the manifest of etcd names this member alone', async () => {
    const { stdout } = await runOnNode(cluster, ['grep', '-o', '--', '--initial-cluster[^"]*', MANIFEST], deps);
    const flags = stdout.trim().split('\n');
    const expected = [`--initial-cluster=${name}=https://${address}:2380`, '--initial-cluster-state=new'];
    return { ok: flags.join() === expected.join(), detail: flags.join(' ') };
  });
}

/** Its pods on the lost nodes are replaced: by a controller manager, a scheduler and a kubelet that have noticed. */
function proveOldWorkload(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove(`every pod of deployment/${WEB_DEPLOYMENT} runs on this node, and answers`, async () => {
    const pods = await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: REPLACED_MS }, deps);
    const output = ['--output', 'jsonpath={.items[*].spec.nodeName}'] as const;
    const list = ['kubectl', 'get', 'pods', '--selector', `app=${WEB_DEPLOYMENT}`, ...output] as const;
    const nodes = (await runOnNode(cluster, list, deps)).stdout.split(' ');
    const lost = lostMembers(cluster).map(({ node }) => node.name);
    return {
      ok: nodes.length === pods.length && !nodes.some((name) => lost.includes(name)),
      detail: pods.map(({ name }, index) => `${name} on ${nodes[index] ?? ''}`).join(', '),
    };
  });
}
