import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { type ClusterNode, nodeFile } from './lab-directory.ts';
import { enterNode } from './node-namespaces.ts';
import { startService } from './services.ts';
import { waitFor } from './waiting.ts';

/** The pause image of Kubernetes 1.20; the lab builds its own. */
export const PAUSE_IMAGE = 'k8s.gcr.io/pause:3.2';

const START_DEADLINE_MS = 20_000;

/** Where containerd reads network plugins and their configuration. */
export interface NetworkDirectories {
  readonly binaries: string;
  readonly configuration: string;
}

const KUBEADM_NETWORK: NetworkDirectories = { binaries: '/usr/lib/cni', configuration: '/etc/cni/net.d' };

/** The shell lines that start containerd as a service; see `installServices`. */
export function containerdProgram(node: ClusterNode): string {
  return `set -- containerd --config ${containerdConfig(node)}`;
}

/** Starts the containerd of a kubeadm node, with a bridge network for its pods, and waits until it answers. */
export async function startBridgedContainerd(node: ClusterNode, podSubnet: string, deps: LabDeps): Promise<void> {
  const network = nodeFile(node, `${KUBEADM_NETWORK.configuration}/10-lab.conflist`);
  await deps.host.writeFile(network, Buffer.from(renderPodNetwork(podSubnet)), { mode: 0o644 });
  await startContainerd(node, KUBEADM_NETWORK, deps);
}

/** Starts the node's own containerd, and waits until it answers. */
export async function startContainerd(node: ClusterNode, network: NetworkDirectories, deps: LabDeps): Promise<void> {
  const config = Buffer.from(renderConfig(network));
  await deps.host.writeFile(containerdConfig(node), config, { mode: 0o600 });
  await resumeContainerd(node, deps);
}

/** Starts containerd with its present configuration unless it runs, and waits until it answers. */
export async function resumeContainerd(node: ClusterNode, deps: LabDeps): Promise<void> {
  await startService(node, 'containerd', deps);
  const argv = [...enterNode(node), 'ctr', 'version'] as const;
  await waitFor(deps, {
    subject: 'containerd',
    deadlineMs: START_DEADLINE_MS,
    intervalMs: 50,
    check: async () => {
      const { exitCode } = await deps.host.exec(argv, { timeoutMs: 10_000, signal: deps.signal });
      return exitCode === 0 ? { value: undefined } : { waitingFor: 'the containerd socket does not answer' };
    },
  });
}

/** Kills every container of `node`, sandboxes included, as a power cut does. Stop the kubelet first. */
export async function killContainers(node: ClusterNode, deps: LabDeps): Promise<void> {
  const ctr = [...enterNode(node), 'ctr', '--namespace=k8s.io'] as const;
  const { stdout } = await runCommand(deps, [...ctr, 'tasks', 'list', '--quiet']);
  const ids = stdout.split('\n').filter((id) => id !== '');
  await killTasks(node, ids, deps);
}

async function killTasks(node: ClusterNode, ids: readonly string[], deps: LabDeps): Promise<void> {
  const ctr = [...enterNode(node), 'ctr', '--namespace=k8s.io'] as const;
  // A container may have exited meanwhile; only containers that still run matter.
  const kill = (id: string) =>
    deps.host.exec([...ctr, 'tasks', 'kill', '--signal=SIGKILL', id], { timeoutMs: 20_000, signal: deps.signal });
  await Promise.all(ids.map(kill));
  await waitFor(deps, {
    subject: 'containers',
    deadlineMs: START_DEADLINE_MS,
    intervalMs: 50,
    check: async () => {
      const running = (await runningContainers(node, deps)).filter((id) => ids.includes(id));
      return running.length === 0 ? { value: undefined } : { waitingFor: `${running.length} containers still run` };
    },
  });
}

/**
 * Kills the containers of the pods whose names begin with one of `applications` and a hyphen, sandboxes included. Stop the kubelet
 * first.
 */
export async function killPods(node: ClusterNode, applications: readonly string[], deps: LabDeps): Promise<void> {
  const ctr = [...enterNode(node), 'ctr', '--namespace=k8s.io'] as const;
  const filter = `labels."io.kubernetes.pod.name"~="^(${applications.join('|')})-"`;
  const { stdout } = await runCommand(deps, [...ctr, 'containers', 'list', '--quiet', filter]);
  await killTasks(
    node,
    stdout.split('\n').filter((id) => id !== ''),
    deps,
  );
}

/** The ids of the running containers of `node`, sandboxes included. */
export async function runningContainers(node: ClusterNode, deps: LabDeps): Promise<readonly string[]> {
  const { stdout } = await runCommand(deps, [...enterNode(node), 'ctr', '--namespace=k8s.io', 'tasks', 'list']);
  return parseRunningTasks(stdout);
}

/** @param table the output of `ctr tasks list`: TASK, PID and STATUS under a header */
export function parseRunningTasks(table: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , status]) => status === 'RUNNING')
    .map(([id = '']) => id);
}

function containerdConfig(node: ClusterNode): HostPath {
  return joinPath(node.directory, 'containerd.toml');
}

function renderConfig({ binaries, configuration }: NetworkDirectories): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

# The default, /opt/containerd, is the machine's.
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE the score cannot be lowered, and runc would fail.
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${binaries}"
    conf_dir = "${configuration}"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

function renderPodNetwork(podSubnet: string): string {
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: podSubnet }]], routes: [{ dst: '0.0.0.0/0' }] },
  };
  return JSON.stringify({ cniVersion: '0.3.1', name: 'lab', plugins: [bridge] }, undefined, 2);
}
