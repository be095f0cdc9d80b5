import { killContainers, resumeContainerd } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterMachine } from '../cluster/lab-cluster.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { MOUNT_RUN } from '../machine/node-namespaces.ts';
import { killService, startService, stopService } from '../machine/services.ts';
import { CONTROL_PLANE, POD_NETWORK } from './layout.ts';
import { SSH_SERVICE } from '../cluster/ssh.ts';
import { ETCD_SERVICE } from './units.ts';

/**
 * `sh -c` script: drops the state that a restart loses: the mounts of pods, the tmpfs /run, and the kernel's routes and
 * rules for pods and Services.
 */
const DROP_VOLATILE_STATE = `set -eu
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

/** Simulates a power cut of a node: kills every process and drops all volatile state. */
export async function powerOff(machine: ClusterMachine, deps: LabDeps): Promise<void> {
  const { node } = machine;
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
  await stopService(node, 'containerd', deps);
  await killService(node, node.name === CONTROL_PLANE.name ? ETCD_SERVICE : SSH_SERVICE, deps);
  await runOnNode(machine, ['sh', '-c', DROP_VOLATILE_STATE, POD_NETWORK], deps);
}

/** Starts a node's services, the kubelet last and only on request. */
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
