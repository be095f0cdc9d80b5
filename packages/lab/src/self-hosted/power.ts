import { killContainers, resumeContainerd } from '../machine/containerd.ts';
import type { LabDeps } from '../cluster/deps.ts';
import type { ClusterMachine } from '../cluster/lab-cluster.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { MOUNT_RUN } from '../machine/node-namespaces.ts';
import { killService, startService, stopService } from '../machine/services.ts';
import { CONTROL_PLANE, POD_NETWORK } from './layout.ts';
import { SSH_SERVICE } from './ssh.ts';
import { ETCD_SERVICE } from './units.ts';

/**
 * `sh -c` script: takes away what no machine keeps in a restart: the mounts of pods, everything on the tmpfs /run, and what
 * was told to the kernel about the networks of pods and Services.
 */
const FORGET = `set -eu
awk '{ print $5 }' /proc/self/mountinfo | grep '^/var/lib/kubelet/' | sort -r | while read -r point; do
  umount --lazy "$point"
done
umount --lazy /run
${MOUNT_RUN}
ip link delete cni0 2>/dev/null || true
ip route flush root "$0"
for table in filter nat mangle; do
  iptables --wait --table $table --flush
  iptables --wait --table $table --delete-chain
done`;

/** Cuts the power of a node: every process of it dies at once, and what only its memory held is gone. */
export async function powerOff(machine: ClusterMachine, deps: LabDeps): Promise<void> {
  const { node } = machine;
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
  await stopService(node, 'containerd', deps);
  await killService(node, node.name === CONTROL_PLANE.name ? ETCD_SERVICE : SSH_SERVICE, deps);
  await runOnNode(machine, ['sh', '-c', FORGET, POD_NETWORK], deps);
}

/** Starts a node's services again, the kubelet last and only when it is asked for. */
export async function powerOn(
  machine: ClusterMachine,
  { kubelet }: { readonly kubelet: boolean },
  deps: LabDeps,
): Promise<void> {
  const { node } = machine;
  await resumeContainerd(node, deps);
  await startService(node, node.name === CONTROL_PLANE.name ? ETCD_SERVICE : SSH_SERVICE, deps);
  if (kubelet) await startService(node, 'kubelet', deps);
}
