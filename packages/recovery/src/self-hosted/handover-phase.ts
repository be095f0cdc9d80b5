import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { createPodRestartStep, createRescueRemovalStep, findComponents } from '@kube-rescue/pod-bootstrap';
import { createCheckpointStabilityStep, findKubeconfigWriters } from '@kube-rescue/static-manifests';
import { type Phase, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { findNodeName, type NodeDescription, servingSerial } from '@kube-rescue/node';
import { createWaitingStep } from '../gates/waiting-step.ts';
import type { Course, ObjectSources, SelfHostedDeps } from './options.ts';
import { API_STABLE, CONTENTS } from '../step-ids.ts';

/**
 * Restarts pods that still use the old CA, removes rescue pods when the real ones run, and verifies that the API server stays up
 * through a restart of the kubelet. The rescue pods come last: a pod with the old CA may be the only one besides.
 */
export function createHandoverPhase(objectSources: ObjectSources, course: Course, deps: SelfHostedDeps): Phase {
  return deps.phase({
    id: 'handover',
    title: 'Handover',
    isSideBySide: true,
    steps: async (_node, description, signal) => {
      const input = { publishedAt: () => course.publishedAt, requires: [API_STABLE] };
      const restarts = createPodRestartStep(input, { ...deps, access: objectSources.api });
      const releases = await createReleaseSteps(restarts.id, description, objectSources, deps, signal);
      return [restarts, ...releases, createLastingStep(description, objectSources, deps)] as readonly Step[];
    },
  });
}

async function createReleaseSteps(
  restarts: StepId,
  description: NodeDescription,
  { offline, api }: ObjectSources,
  deps: SelfHostedDeps,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  const node = await findNodeName(description, deps);
  const requires = [API_STABLE, restarts];
  try {
    const found = await findComponents({}, await offline.open(signal), signal);
    return found.map(({ controller }) => {
      const input = { controller, node, requires };
      return keepWhatIsNeeded(createRescueRemovalStep(input, { ...deps, access: api }));
    });
  } catch (error) {
    const finding = { ...toErrorFinding(error, signal), waitsFor: requires };
    return [createWaitingStep({ id: 'pods/release', title: 'remove the rescue pods', finding })];
  }
}

/** A rescue pod is kept, with a warning, while the real one cannot run because a worker is missing. */
function keepWhatIsNeeded(step: Step): Step {
  let kept: string | undefined;
  return {
    ...step,
    apply: async (changes, journal, signal) => {
      try {
        await step.apply(changes, journal, signal);
      } catch (error) {
        if (!isRecoveryError(error, 'POD_STILL_NEEDED')) throw error;
        kept = describeError(error);
      }
    },
    verify: async (signal, waitingFor) =>
      kept === undefined ? step.verify(signal, waitingFor) : { verified: true, evidence: [], warnings: [kept] },
  };
}

/** Through two refreshes of the checkpointer and one restart of the kubelet. */
function createLastingStep(description: NodeDescription, { offline }: ObjectSources, deps: SelfHostedDeps): Step {
  const { kubeletService } = deps.options;
  const step = createCheckpointStabilityStep(
    {
      ...{ directory: description.staticPods.directory, kubeletService, requires: [CONTENTS] },
      expectedSerial: () => servingSerial(description, deps),
    },
    { ...deps, objects: offline },
  );
  return {
    ...step,
    verify: async (signal, waitingFor) => {
      const verdict = await step.verify(signal, waitingFor);
      const { kubelet } = description;
      const writers =
        kubelet.kubeconfig === undefined
          ? []
          : await findKubeconfigWriters({ kubeconfig: kubelet.kubeconfig, service: kubeletService }, deps);
      const warnings = writers.map(({ evidence, hint }) => `${evidence}; ${hint}`);
      return verdict.verified && warnings.length > 0
        ? { ...verdict, warnings: [...(verdict.warnings ?? []), ...warnings] }
        : verdict;
    },
  };
}
