import { joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { type ClusterNode, NETNS_DIRECTORY, netnsName } from './lab-directory.ts';

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
