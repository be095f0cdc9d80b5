import { joinPath } from '@kube-rescue/host';
import { LabError } from '../errors.ts';
import {
  type JoinInput,
  KUBELET_DROP_INS,
  RESOLV_CONF,
  renderJoinConfig,
  renderKubeletDropIn,
} from '../kubernetes/kubeadm-config.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, nodeFile } from '../machine/lab-directory.ts';
import { startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import type { ClusterMachine, LabCluster } from './lab-cluster.ts';
import { runOnNode } from './node-command.ts';

const JOIN_DEADLINE_MS = 180_000;
/** The last file that kubeadm writes before it starts the kubelet. */
const KUBELET_FLAGS = '/var/lib/kubelet/kubeadm-flags.env';

/** What `kubeadm join` does: a worker needs no more than its kubelet; the preflight checks ask for systemd. */
const JOIN = {
  worker: ['kubeadm', 'join', 'phase', 'kubelet-start'],
  'control plane': ['kubeadm', 'join', '--skip-phases=preflight'],
} as const;

/** Writes the files that a kubelet reads beside kubeadm's where the cluster has several nodes. */
export async function writeKubeletDropIn(
  node: ClusterNode,
  serving: { readonly requestsServing: boolean },
  { host }: LabDeps,
): Promise<void> {
  await host.makeDirectory(nodeFile(node, KUBELET_DROP_INS), { mode: 0o755 });
  const dropIn = nodeFile(node, `${KUBELET_DROP_INS}/10-node.conf`);
  await host.writeFile(dropIn, Buffer.from(renderKubeletDropIn(node, serving)), { mode: 0o644 });
  await host.writeFile(nodeFile(node, RESOLV_CONF), Buffer.from('nameserver 10.200.0.1\n'), { mode: 0o644 });
}

/**
 * Joins a node by a bootstrap token, as `kubeadm join` does, with its kubelet as a service of the lab. The node has
 * {@link writeKubeletDropIn}; a control plane has the cluster's CAs and service account keys.
 */
export async function joinNode(
  cluster: LabCluster,
  machine: ClusterMachine,
  as: JoinInput['as'],
  deps: LabDeps,
): Promise<void> {
  const { node } = machine;
  const created = await runOnNode(cluster, ['kubeadm', 'token', 'create', '--print-join-command'], deps);
  const [, server, token, caHash] = JOIN_COMMAND.exec(created.stdout) ?? [];
  if (server === undefined || token === undefined || caHash === undefined) throw unreadableJoin();
  const config = joinPath(node.directory, 'join.yaml');
  const text = renderJoinConfig(node, { server, token, caHash, as });
  await deps.host.writeFile(config, Buffer.from(text), { mode: 0o600 });
  await runConcurrently(deps, [
    async (each) => {
      await runOnNode(machine, [...JOIN[as], '--config', config], each, { timeoutMs: JOIN_DEADLINE_MS });
    },
    async (each) => {
      await waitForFile(node, KUBELET_FLAGS, each);
      await startService(node, 'kubelet', each);
    },
  ]);
  await waitForFile(node, '/etc/kubernetes/kubelet.conf', deps);
}

const JOIN_COMMAND = /kubeadm join (\S+) --token (\S+) --discovery-token-ca-cert-hash (\S+)/;

function waitForFile(node: ClusterNode, path: string, deps: LabDeps): Promise<void> {
  return waitFor(deps, {
    subject: path,
    deadlineMs: JOIN_DEADLINE_MS,
    check: async () =>
      (await deps.host.stat(nodeFile(node, path))) === undefined
        ? { waitingFor: `node ${node.name} has no ${path}` }
        : { value: undefined },
  });
}

/** Its output holds the token. */
function unreadableJoin(): LabError {
  return new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: 'kubeadm printed no join command',
    subject: 'kubeadm token create --print-join-command',
    hint: 'run the command by hand to see its whole output',
  });
}
