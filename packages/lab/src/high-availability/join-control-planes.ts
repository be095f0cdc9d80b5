import { joinNode, writeKubeletDropIn } from '../cluster/join-node.ts';
import type { ClusterMachine, LabCluster } from '../cluster/lab-cluster.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { readNodeText } from '../cluster/node-text.ts';
import { parentPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, nodeFile } from '../machine/lab-directory.ts';

/** What a person copies to a new control plane (kubernetes.io, "Manual certificate distribution"). */
const SHARED = [
  ...['ca.crt', 'ca.key', 'sa.key', 'sa.pub', 'front-proxy-ca.crt', 'front-proxy-ca.key'],
  ...['etcd/ca.crt', 'etcd/ca.key'],
] as const;
const PKI = '/etc/kubernetes/pki';
const READY_TIMEOUT_MS = 120_000;

/**
 * Joins further control planes to the first, one after the other: kubeadm adds each etcd member as a learner and promotes it, so
 * that the manifest of the first names one member, that of the last all.
 *
 * @returns once every node is Ready
 */
export async function joinControlPlanes(
  cluster: LabCluster,
  others: readonly ClusterMachine[],
  report: (message: string) => void,
  deps: LabDeps,
): Promise<void> {
  for (const machine of others) {
    report(`joining control plane ${machine.node.name}`);
    await copyShared(cluster.node, machine.node, deps);
    await writeKubeletDropIn(machine.node, { requestsServing: false }, deps);
    await joinNode(cluster, machine, 'control plane', deps);
  }
  const wait = ['kubectl', 'wait', '--for=condition=Ready', 'node', '--all'] as const;
  await runOnNode(cluster, [...wait, `--timeout=${READY_TIMEOUT_MS / 1000}s`], deps, {
    timeoutMs: READY_TIMEOUT_MS + 10_000,
  });
}

async function copyShared(from: ClusterNode, to: ClusterNode, deps: LabDeps): Promise<void> {
  for (const name of SHARED) {
    const text = await readNodeText(nodeFile(from, `${PKI}/${name}`), deps);
    const target = nodeFile(to, `${PKI}/${name}`);
    await deps.host.makeDirectory(parentPath(target), { mode: 0o755 });
    await deps.host.writeFile(target, Buffer.from(text), { mode: name.endsWith('.key') ? 0o600 : 0o644 });
  }
}
