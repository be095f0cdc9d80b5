import { killContainers, resumeContainerd } from './containerd.ts';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { type ClusterNode, netnsName } from './lab-directory.ts';
import { SWITCH } from './node-namespaces.ts';
import { startService, stopService } from './services.ts';

/** Powers a node off: nothing runs on it, and packets to it are lost. Its disk stays. */
export async function powerOff(node: ClusterNode, deps: LabDeps): Promise<void> {
  await setLink(node, 'down', deps);
  await stopService(node, 'kubelet', deps);
  await killContainers(node, deps);
}

/** Starts a node again that {@link powerOff} has stopped. */
export async function powerOn(node: ClusterNode, deps: LabDeps): Promise<void> {
  await setLink(node, 'up', deps);
  await resumeContainerd(node, deps);
  await startService(node, 'kubelet', deps);
}

/** At the other end of its cable: routes of the node stay. */
async function setLink(node: ClusterNode, state: 'up' | 'down', deps: LabDeps): Promise<void> {
  await runCommand(deps, ['ip', '-n', netnsName(node.labId, SWITCH), 'link', 'set', node.name, state]);
}
