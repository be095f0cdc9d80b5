import { joinPath } from '@kube-rescue/host';
import type { ClusterMachine, LabCluster } from '../cluster/lab-cluster.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { KUBELET_DROP_INS, RESOLV_CONF, renderJoinConfig, renderKubeletDropIn } from '../kubernetes/kubeadm-config.ts';
import { LabError } from '../errors.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, NETNS_DIRECTORY, netnsName, nodeFile } from '../machine/lab-directory.ts';
import { runCommand } from '../machine/command.ts';
import { startService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';

const JOIN_DEADLINE_MS = 120_000;
/** The last file that kubeadm writes before it starts the kubelet. */
const KUBELET_FLAGS = '/var/lib/kubelet/kubeadm-flags.env';

/** Writes the files that a kubelet with addons reads beside kubeadm's. */
export async function writeKubeletDropIn(node: ClusterNode, { host }: LabDeps): Promise<void> {
  await host.makeDirectory(nodeFile(node, KUBELET_DROP_INS), { mode: 0o755 });
  const dropIn = nodeFile(node, `${KUBELET_DROP_INS}/10-node.conf`);
  await host.writeFile(dropIn, Buffer.from(renderKubeletDropIn(node)), { mode: 0o644 });
  await host.writeFile(nodeFile(node, RESOLV_CONF), Buffer.from('nameserver 10.200.0.1\n'), { mode: 0o644 });
}

/** Routes the pods of other nodes to their nodes. */
export async function routePods(
  machine: ClusterNode,
  others: readonly { readonly subnet: string; readonly via: string }[],
  deps: LabDeps,
): Promise<void> {
  const netns = joinPath(NETNS_DIRECTORY, netnsName(machine.labId, machine.name));
  for (const { subnet, via } of others) {
    await runCommand(deps, ['nsenter', `--net=${netns}`, 'ip', 'route', 'add', subnet, 'via', via]);
  }
}

/** Joins a worker by a bootstrap token, as `kubeadm join` does, with its kubelet as a service of the lab. */
export async function joinWorker(cluster: LabCluster, worker: ClusterMachine, deps: LabDeps): Promise<void> {
  const { node } = worker;
  await writeKubeletDropIn(node, deps);
  const created = await runOnNode(cluster, ['kubeadm', 'token', 'create', '--print-join-command'], deps);
  const [, server, token, caHash] = JOIN_COMMAND.exec(created.stdout) ?? [];
  if (server === undefined || token === undefined || caHash === undefined) throw unreadableJoin();
  const config = joinPath(node.directory, 'join.yaml');
  await deps.host.writeFile(config, Buffer.from(renderJoinConfig(node, { server, token, caHash })), { mode: 0o600 });
  await runConcurrently(deps, [
    async (each) => {
      const argv = ['kubeadm', 'join', 'phase', 'kubelet-start', '--config', config] as const;
      await runOnNode(worker, argv, each, { timeoutMs: JOIN_DEADLINE_MS });
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
