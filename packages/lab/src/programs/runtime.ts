import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';

/** Node.js for the lab's own programs on a node: a drill can hide that of the machine from the node. */
export function labRuntime(node: ClusterNode): HostPath {
  return joinPath(node.directory, 'runtime');
}

/** Puts it there: a hard link where the filesystem is the same, which costs no space. */
export async function provideRuntime(node: ClusterNode, deps: LabDeps): Promise<void> {
  const script = 'ln -f "$0" "$1" 2>/dev/null || cp "$0" "$1"';
  await runCommand(deps, ['sh', '-c', script, process.execPath, labRuntime(node)]);
}
