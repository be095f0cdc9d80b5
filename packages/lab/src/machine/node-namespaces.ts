import { joinPath } from '@kube-rescue/host';
import { type Argv, runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { type ClusterNode, NETNS_DIRECTORY, NODE_MOUNTS, namespaceFile, netnsName, nodeFile } from './lab-directory.ts';

/** The switch is a separate network namespace, so that the lab does not touch the machine's network. */
export const SWITCH = 'switch';
const BRIDGE = 'br0';
const GATEWAY = '10.200.0.1';
const PREFIX_LENGTH = 24;
const HOSTS_FILE = '/etc/hosts';

/** Shell lines that mount an empty /run, as after a boot. */
export const MOUNT_RUN = `mount -t tmpfs -o mode=755 tmpfs /run
mount --make-shared /run
mkdir -m 1777 /run/lock`;

/** Creates the network namespace with the bridge between the nodes of a lab. It has no route to the outside. */
export async function createSwitch(labId: string, deps: LabDeps): Promise<void> {
  const netns = netnsName(labId, SWITCH);
  await runCommand(deps, ['ip', 'netns', 'add', netns]);
  await runCommand(deps, ['ip', '-n', netns, 'link', 'add', BRIDGE, 'type', 'bridge']);
  await runCommand(deps, ['ip', '-n', netns, 'link', 'set', BRIDGE, 'up']);
}

/**
 * Creates the network, mount and UTS namespaces of `node`; they persist without a process until they are removed.
 *
 * @param hosts addresses by name, for the node's /etc/hosts
 */
export async function createNamespaces(
  node: ClusterNode,
  hosts: Readonly<Record<string, string>>,
  deps: LabDeps,
): Promise<void> {
  await connectToSwitch(node, deps);
  await deps.host.writeFile(nodeFile(node, HOSTS_FILE), Buffer.from(renderHosts(node, hosts)), { mode: 0o644 });
  const directory = joinPath(node.directory, 'namespaces');
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  // A mount namespace can only be bound to a mount that is not propagated into it.
  await runCommand(deps, ['mount', '--bind', directory, directory]);
  await runCommand(deps, ['mount', '--make-private', directory]);
  for (const kind of ['mnt', 'uts'] as const) {
    await deps.host.writeFile(namespaceFile(node, kind), Buffer.alloc(0), { mode: 0o600 });
  }
  const script = joinPath(node.directory, 'mount-node.sh');
  await deps.host.writeFile(script, Buffer.from(renderMountScript(node)), { mode: 0o700 });
  // Not `ip netns exec`: it mounts a fresh /sys, which hides the control groups.
  await runCommand(deps, [
    'nsenter',
    `--net=${joinPath(NETNS_DIRECTORY, netnsName(node.labId, node.name))}`,
    'unshare',
    `--mount=${namespaceFile(node, 'mnt')}`,
    `--uts=${namespaceFile(node, 'uts')}`,
    'sh',
    script,
  ]);
}

async function connectToSwitch(node: ClusterNode, deps: LabDeps): Promise<void> {
  const own = netnsName(node.labId, node.name);
  const hub = netnsName(node.labId, SWITCH);
  const inNode = (...args: readonly string[]): Argv => ['ip', '-n', own, ...args];
  const inSwitch = (...args: readonly string[]): Argv => ['ip', '-n', hub, ...args];
  const steps: readonly Argv[] = [
    ['ip', 'netns', 'add', own],
    inNode('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', node.name, 'netns', hub),
    inSwitch('link', 'set', node.name, 'master', BRIDGE, 'up'),
    inNode('address', 'add', `${node.address}/${PREFIX_LENGTH}`, 'dev', 'eth0'),
    inNode('link', 'set', 'lo', 'up'),
    inNode('link', 'set', 'eth0', 'up'),
    inNode('route', 'add', 'default', 'via', GATEWAY),
    // The kubelet requests cloud credentials there at its start, and would wait 11 s for an answer.
    inNode('route', 'add', 'unreachable', '169.254.0.0/16'),
  ];
  for (const argv of steps) await runCommand(deps, argv);
}

/** The script that bind-mounts the node's directories over the machine's, run inside the new namespaces. */
function renderMountScript(node: ClusterNode): string {
  const mounts = NODE_MOUNTS.map((path) => `mount --bind ${nodeFile(node, path)} ${path}`);
  return `set -eu
mount --make-rprivate /
hostname ${node.name}
${mounts.join('\n')}
mount --bind ${nodeFile(node, HOSTS_FILE)} ${HOSTS_FILE}
# The kubelet mounts volumes here, and containers must see them.
mount --make-shared /var/lib/kubelet
${MOUNT_RUN}
echo 1 >/proc/sys/net/ipv4/ip_forward
# Otherwise replies between two pods on one bridge bypass the NAT of their Service.
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
`;
}

function renderHosts(node: ClusterNode, hosts: Readonly<Record<string, string>>): string {
  const own = [['localhost', '127.0.0.1'] as const, [node.name, node.address] as const];
  return [...own, ...Object.entries(hosts)].map(([name, address]) => `${address} ${name}\n`).join('');
}

/** The argv in front of a program that is to run on `node`. */
export function enterNode(node: ClusterNode): Argv {
  return [
    'nsenter',
    `--net=${joinPath(NETNS_DIRECTORY, netnsName(node.labId, node.name))}`,
    `--mount=${namespaceFile(node, 'mnt')}`,
    `--uts=${namespaceFile(node, 'uts')}`,
    '--',
  ];
}
