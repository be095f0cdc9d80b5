import type { Playbook } from '@kube-rescue/workflow';
import { describeNode } from '@kube-rescue/node';
import { createRecoveryPlaybook } from './kubeadm/playbooks.ts';
import type { SelfHostedDeps, SelfHostedOptions } from './self-hosted/options.ts';
import { createSelfHostedPlaybook } from './self-hosted/playbook.ts';

/** What a recovery is told; what a layout has no use for does not matter to it. */
export type NodePlaybookOptions = SelfHostedOptions;

export type NodePlaybookDeps = SelfHostedDeps;

/**
 * The playbook that brings this node back, by how its cluster keeps the control plane.
 * @throws NodeError `NODE_NOT_FOUND`; ManifestError; HostError, as `describeNode`
 */
export async function createNodePlaybook(options: NodePlaybookOptions, deps: NodePlaybookDeps): Promise<Playbook> {
  const { layout } = await describeNode(options, deps);
  return layout === 'self-hosted' ? createSelfHostedPlaybook(options, deps) : createRecoveryPlaybook(options, deps);
}
