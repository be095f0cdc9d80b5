import type { Playbook } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { createRecoveryPlaybook } from './kubeadm/recovery.ts';
import type { SelfHostedDeps, SelfHostedOptions } from './self-hosted/options.ts';
import { createSelfHostedPlaybook } from './self-hosted/playbook.ts';

/** What a recovery is told; what a layout has no use for does not matter to it. */
export type NodePlaybookOptions = SelfHostedOptions;

export type NodePlaybookDeps = Omit<SelfHostedDeps, keyof Node>;

/**
 * The playbook that brings this node back, by how its cluster keeps the control plane.
 * @throws NodeError `NODE_NOT_FOUND`; ManifestError; HostError, as `Node.describe`
 */
export async function createNodePlaybook(
  node: Node,
  options: NodePlaybookOptions,
  deps: NodePlaybookDeps,
): Promise<Playbook> {
  const { layout } = await node.describe();
  return layout === 'self-hosted'
    ? createSelfHostedPlaybook(options, { ...node, ...deps })
    : createRecoveryPlaybook(node, options);
}
