import type { Playbook, Step } from '@kube-rescue/workflow';
import { createRescueRemovalStep, type RescueRemovalInput } from './rescue-removal-step.ts';
import { createRescueStep, type RescueInput, type RescueStepDeps } from './rescue-step.ts';

/** Runs one rescue pod on a node; see {@link createRescueStep}. */
export function createRescuePlaybook(input: RescueInput, deps: RescueStepDeps): Playbook {
  return playbookOf('pod-rescue', 'Run a rescue pod', createRescueStep(input, deps));
}

/** Removes one rescue pod; see {@link createRescueRemovalStep}. */
export function createReleasePlaybook(input: RescueRemovalInput, deps: RescueStepDeps): Playbook {
  return playbookOf('pod-release', 'Remove a rescue pod', createRescueRemovalStep(input, deps));
}

function playbookOf(id: string, title: string, step: Step): Playbook {
  return { id, title, phases: [{ id: 'pods', title: 'Control-plane pods', steps: async () => [step] }] };
}
