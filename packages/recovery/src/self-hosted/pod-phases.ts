import { createNetworkStep } from '@kube-rescue/cni-bootstrap';
import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import {
  type ControllerName,
  type ControlPlaneComponent,
  createRescueStep,
  identifyComponent,
} from '@kube-rescue/pod-bootstrap';
import type { Phase, Step, StepId } from '@kube-rescue/workflow';
import { describeNode } from '../node-description.ts';
import { findNodeName } from '../node-name.ts';
import type { SelfHostedDeps, SelfHostedOptions, Ways } from './options.ts';
import { API_STABLE, NETWORK } from './step-ids.ts';
import { afterSteps, createWaitingStep } from './waiting-step.ts';

/** The files without which no pod with a network of its own starts. */
export function createNetworkPhase(options: SelfHostedOptions, { offline }: Ways, deps: SelfHostedDeps): Phase {
  return {
    id: 'network',
    title: 'Network',
    steps: async () => {
      const node = await describeNode(options, deps);
      const input = {
        nodeName: await findNodeName(node, deps),
        kubelet: node.kubelet.component,
        ...{ requires: [API_STABLE], waitsFor: [API_STABLE] },
      };
      return [createNetworkStep(input, { host: deps.host, objects: offline }) as Step];
    },
  };
}

/**
 * In the order in which they need each other: without routes to the Service of the API nothing in a pod reaches it; the
 * controller manager makes and mends what the others mount; the scheduler makes sense when all of that works.
 */
const ORDER: readonly ControlPlaneComponent[] = [
  'kube-proxy',
  'kube-controller-manager',
  'cluster-dns',
  'kube-scheduler',
];

/** A part of the control plane that the cluster itself runs. */
export interface PlacedController {
  readonly component: ControlPlaneComponent;
  readonly controller: ControllerName;
}

/** The controllers of the control plane, in the order in which they are needed. @throws ObjectError */
export async function findControllers(access: ObjectAccess, signal: AbortSignal): Promise<readonly PlacedController[]> {
  const store = await access.open(signal);
  const found: PlacedController[] = [];
  for (const kind of ['DaemonSet', 'Deployment'] as const) {
    for await (const { object } of store.list(RESOURCE_KINDS[kind], { namespace: 'kube-system', signal })) {
      const component = identifyComponent(object);
      const { name, namespace = 'kube-system' } = object.metadata;
      if (component !== undefined) found.push({ component, controller: { kind, namespace, name } });
    }
  }
  return ORDER.flatMap((component) => found.filter((each) => each.component === component));
}

/** The control-plane pods at work again, cut out of their controllers where nobody makes or schedules them. */
export function createPodsPhase(options: SelfHostedOptions, ways: Ways, deps: SelfHostedDeps): Phase {
  const waitsFor = [API_STABLE, NETWORK];
  return {
    id: 'pods',
    title: 'Control-plane pods',
    steps: async (signal) => {
      const node = await findNodeName(await describeNode(options, deps), deps);
      try {
        const steps: Step[] = [];
        let requires: readonly StepId[] = waitsFor;
        for (const { controller } of await findControllers(ways.offline, signal)) {
          const step = createRescueStep({ controller, node, requires }, { ...deps, access: ways.api });
          steps.push(afterSteps(step as Step, requires, ['POD_NEEDS_API_SERVER']));
          requires = [...requires, step.id];
        }
        return steps;
      } catch (problem) {
        signal.throwIfAborted();
        if (!isRecoveryError(problem)) throw problem;
        const title = 'have the work of the control-plane pods done on this node';
        return [createWaitingStep({ id: 'pods/rescue', title, problem, waitsFor })];
      }
    },
  };
}
