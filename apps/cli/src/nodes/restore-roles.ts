import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Playbook } from '@kube-rescue/workflow';
import type { Answer } from '../base-command.ts';
import { answerPlaybook } from '../playbook-run.ts';
import type { Session } from '../wiring.ts';

export interface RestoreRolesInput {
  /** Name of the Node. */
  readonly node: string;
  /** `KEY[=VALUE]:EFFECT` each. */
  readonly taints: readonly string[];
  /** `KEY[=VALUE]` each. */
  readonly labels: readonly string[];
  readonly access: ObjectAccess;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Restores the labels of a node, then its taints: kubeadm's convention derives taints from labels. */
export async function restoreRoles(input: RestoreRolesInput, session: Session): Promise<Answer> {
  const { createLabelStep, createTaintStep, parseLabel, parseTaint, readEarlierNodes } = await import(
    '@kube-rescue/node-join'
  );
  const { node, access: objects, dryRun, yes } = input;
  const asked = {
    taints: input.taints.map(parseTaint),
    labels: Object.fromEntries(input.labels.map(parseLabel)),
  };
  const sources = {
    asked,
    earlier: await readEarlierNodes(await session.openRuns(), node),
    kubeletFlags: await kubeletFlagsOf(node, session),
  };
  const steps = [createLabelStep({ node, sources }, { objects }), createTaintStep({ node, sources }, { objects })];
  const playbook: Playbook = {
    id: 'nodes-taint',
    title: 'Restore taints and labels',
    phases: [{ id: 'nodes', title: 'Taints and labels', steps: async () => steps }],
  };
  return answerPlaybook({ playbook: async () => playbook, selection: {}, dryRun, yes }, session);
}

/** Only the kubelet of this machine is readable; its flags do not apply to other nodes. */
async function kubeletFlagsOf(node: string, { host }: Session): Promise<ReadonlyMap<string, string> | undefined> {
  const own = host.name.toLowerCase();
  const { readKubeletConfiguration } = await import('@kube-rescue/node-config');
  const { component, hostnameOverride, problems } = await readKubeletConfiguration({ host });
  const [problem] = problems;
  if (problem !== undefined) throw problem;
  const isOwn = [hostnameOverride, own, own.split('.')[0]].includes(node);
  return isOwn ? component.flags : undefined;
}
