import { createNetworkStep } from '@kube-rescue/cni-bootstrap';
import { createRescueStep, findComponents, rescueOrder } from '@kube-rescue/pod-bootstrap';
import { type Phase, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { findNodeName } from '@kube-rescue/node';
import { createNodeGate } from '../gates/gates.ts';
import { afterSteps, createWaitingStep } from '../gates/waiting-step.ts';
import type { Course, ObjectSources, SelfHostedDeps } from './options.ts';
import { API_STABLE, NETWORK } from '../step-ids.ts';

/** The network files that pods outside the host network need to start. */
export function createNetworkPhase({ offline }: ObjectSources, deps: SelfHostedDeps): Phase {
  return deps.phase({
    id: 'network',
    title: 'Network',
    steps: async (node, description) => {
      const input = {
        nodeName: await findNodeName(description, node),
        kubelet: description.kubelet.component,
        ...{ requires: [API_STABLE], waitsFor: [API_STABLE] },
      };
      return [
        createNetworkStep(input, { host: node.host, objects: offline }),
        createNodeGate(node, [API_STABLE, NETWORK]),
      ] as readonly Step[];
    },
  });
}

/** Runs the control-plane pods, as rescue pods while no controller creates them and no scheduler binds them. */
export function createPodsPhase(objectSources: ObjectSources, course: Course, deps: SelfHostedDeps): Phase {
  const waitsFor = [API_STABLE, NETWORK];
  return deps.phase({
    id: 'pods',
    title: 'Control-plane pods',
    steps: async (_node, description, signal) => {
      const node = await findNodeName(description, deps);
      try {
        const steps: Step[] = [];
        let requires: readonly StepId[] = waitsFor;
        const publishedAt = (): Date | undefined => course.publishedAt;
        const found = await findComponents({}, await objectSources.offline.open(signal), signal);
        const order = rescueOrder(found.map(({ component }) => component));
        for (const { controller } of order.flatMap((turn) =>
          found.filter((each) => each.component === turn.component),
        )) {
          const step = createRescueStep(
            { controller, node, requires, publishedAt },
            { ...deps, access: objectSources.api },
          );
          steps.push(untilHandover(afterSteps(step, requires, ['POD_NEEDS_API_SERVER'])));
          requires = [...requires, step.id];
        }
        return steps;
      } catch (error) {
        const title = 'run rescue pods of the control plane on this node';
        const finding = { ...toErrorFinding(error, signal), waitsFor };
        return [createWaitingStep({ id: 'pods/rescue', title, finding })];
      }
    },
  });
}

/** Without the warning of a rescue pod: the handover phase removes the pod, or warns. */
function untilHandover(step: Step): Step {
  return {
    ...step,
    verify: async (signal, waitingFor) => {
      const verdict = await step.verify(signal, waitingFor);
      return verdict.verified ? { verified: true, evidence: verdict.evidence } : verdict;
    },
  };
}
