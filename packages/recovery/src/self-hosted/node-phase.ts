import { createJoinStep, createLabelStep, createTaintStep, JOIN_STEP, readEarlierNodes } from '@kube-rescue/node-join';
import { type Phase, type Step, toErrorFinding } from '@kube-rescue/workflow';
import { findNodeName, type NodeDescription } from '@kube-rescue/node';
import { afterSteps, createWaitingStep } from '../gates/waiting-step.ts';
import { createBundleStep } from './bundle-step.ts';
import type { SelfHostedDeps, SelfHostedOptions, ObjectSources } from './options.ts';
import { API_STABLE } from '../step-ids.ts';
import { readWorkerFiles } from './worker-files.ts';
import { findWorkers } from './worker-targets.ts';

/** Restores this node's labels, then its taints, which depend on labels; then rejoins the workers. */
export function createNodesPhase(
  options: SelfHostedOptions,
  objectSources: ObjectSources,
  deps: SelfHostedDeps,
): Phase {
  return deps.phase({
    id: 'nodes',
    title: 'Nodes',
    steps: async (_node, description, signal) => {
      const node = await findNodeName(description, deps);
      const sources = {
        earlier: await readEarlierNodes(deps.runs, node),
        kubeletFlags: description.kubelet.component.flags,
      };
      const input = { node, sources, requires: [API_STABLE] };
      const access = { objects: objectSources.offline, verifyObjects: objectSources.api };
      const own = [createLabelStep(input, access), createTaintStep(input, access)];
      const workers = await createWorkerSteps(node, description, options, objectSources, deps, signal);
      return [...own, ...workers].map((step) => afterSteps(step, [API_STABLE]));
    },
  });
}

async function createWorkerSteps(
  own: string,
  description: NodeDescription,
  { workers: targets = [] }: SelfHostedOptions,
  { offline, api }: ObjectSources,
  deps: SelfHostedDeps,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  const files = await readWorkerFiles(description, deps);
  try {
    const workers = await findWorkers(targets, await offline.open(signal), signal);
    const joined = { workers: workers.map((worker) => ({ ...worker, files })), requires: [API_STABLE], mayFail: true };
    const except = [own, ...workers.map(({ node }) => node)];
    const bundles = createBundleStep({ except, files, kubeletService: deps.options.kubeletService }, offline, deps);
    if (workers.length === 0) return [bundles];
    return [createJoinStep(joined, { objects: api, openNode: deps.openNode, clock: deps.clock }), bundles];
  } catch (error) {
    const finding = { ...toErrorFinding(error, signal), waitsFor: [API_STABLE] };
    return [createWaitingStep({ id: JOIN_STEP, title: 'rejoin the workers', finding })];
  }
}
