import { type ExecResult, type HostPath, joinPath } from '@kube-rescue/host';
import { type Argv, type CommandOptions, commandFailed } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterNode } from '../machine/lab-directory.ts';
import { enterNode } from '../machine/node-namespaces.ts';

/** A node and the Kubernetes programs on it. */
export interface EquippedNode {
  readonly node: ClusterNode;
  /** The directory with kubectl, kubeadm and the others. */
  readonly binaries: HostPath;
  /** The kubeconfig that kubectl uses. Default: kubeadm's admin.conf. */
  readonly kubeconfig?: string | undefined;
}

export const KUBEADM_KUBECONFIG = '/etc/kubernetes/admin.conf';

const DEFAULT_TIMEOUT_MS = 60_000;

/** Runs a program on the node, with the Kubernetes programs in its PATH; a non-zero exit is a result. */
export function execOnNode(
  { node, binaries, kubeconfig }: EquippedNode,
  argv: Argv,
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
  options: CommandOptions = {},
): Promise<ExecResult> {
  const env = {
    PATH: `${binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    // kubectl keeps a cache there.
    HOME: joinPath(node.directory, 'home'),
    KUBECONFIG: kubeconfig ?? KUBEADM_KUBECONFIG,
    ETCDCTL_API: '3',
    LC_ALL: 'C.UTF-8',
  };
  return host.exec([...enterNode(node), ...argv], { timeoutMs: DEFAULT_TIMEOUT_MS, env, ...options, signal });
}

/**
 * Runs a program on the node that must succeed.
 *
 * @throws LabError `LAB_COMMAND_FAILED`
 */
export async function runOnNode(
  at: EquippedNode,
  argv: Argv,
  deps: Pick<LabDeps, 'host' | 'signal'>,
  options: CommandOptions = {},
): Promise<ExecResult> {
  const result = await execOnNode(at, argv, deps, options);
  if (result.exitCode !== 0) throw commandFailed(argv, result);
  return result;
}
