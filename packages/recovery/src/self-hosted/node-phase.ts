import { createLabelStep, createTaintStep, readEarlierNodes } from '@kube-rescue/node-join';
import type { Phase, Step } from '@kube-rescue/workflow';
import { describeNode } from '../node-description.ts';
import { findNodeName } from '../node-name.ts';
import type { SelfHostedDeps, SelfHostedOptions, Ways } from './options.ts';
import { API_STABLE } from './step-ids.ts';
import { afterSteps } from './waiting-step.ts';

/** This node as it was: labels and taints. */
export function createNodesPhase(options: SelfHostedOptions, { offline, api }: Ways, deps: SelfHostedDeps): Phase {
  return {
    id: 'nodes',
    title: 'Nodes',
    steps: async () => {
      const description = await describeNode(options, deps);
      const node = await findNodeName(description, deps);
      const sources = {
        earlier: await readEarlierNodes(deps.runs, node),
        kubeletFlags: description.kubelet.component.flags,
      };
      const input = { node, sources, requires: [API_STABLE] };
      const access = { objects: offline, verifyObjects: api };
      const steps = [createLabelStep(input, access), createTaintStep(input, access)];
      return steps.map((step) => afterSteps(step as Step, [API_STABLE]));
    },
  };
}
