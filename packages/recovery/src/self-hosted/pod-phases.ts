import { createNetworkStep } from '@kube-rescue/cni-bootstrap';
import {
  createLeaseReleaseStep,
  createRescueStep,
  findComponents,
  type FoundComponent,
  rescueOrder,
} from '@kube-rescue/pod-bootstrap';
import { type Phase, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { findNodeName } from '@kube-rescue/node';
import { createNodeGate } from '../gates/gates.ts';
import { readHolderMachine } from '../gates/holder-machine.ts';
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
        const found = await findComponents({}, await objectSources.offline.open(signal), signal);
        const locks = await createLocksStep(found, objectSources, course, deps);
        const steps: Step[] = [locks];
        const publishedAt = (): Date | undefined => course.publishedAt;
        const routes: StepId[] = [];
        const order = rescueOrder(found.map(({ component }) => component)).map(({ component }) => component);
        for (const { controller, component } of found.toSorted(
          (a, b) => order.indexOf(a.component) - order.indexOf(b.component),
        )) {
          // The CA is published by now, so none waits for kube-controller-manager; the later ones may need the Service address.
          const requires = [...waitsFor, locks.id, ...routes];
          const step = createRescueStep(
            { controller, node, requires, publishedAt },
            { ...deps, access: objectSources.api },
          );
          if (component === 'kube-proxy') routes.push(step.id);
          steps.push(untilHandover(afterSteps(step, requires, ['POD_NEEDS_API_SERVER'])));
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

async function createLocksStep(
  found: readonly FoundComponent[],
  { offline }: ObjectSources,
  { locks }: Course,
  deps: SelfHostedDeps,
): Promise<Step> {
  const elected = found.flatMap(({ component, controller, lock }) =>
    lock === undefined ? [] : [{ component, lock, podNamespace: controller.namespace }],
  );
  const requires = [API_STABLE];
  const input = { elected: async () => elected, machine: await readHolderMachine(deps), watch: locks, requires };
  return createLeaseReleaseStep(input, { ...deps, access: offline });
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
