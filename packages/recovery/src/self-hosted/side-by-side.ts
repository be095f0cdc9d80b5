import type { Phase } from '@kube-rescue/workflow';

/** One phase of the steps of several that do not need each other, side by side. */
export function sideBySide(id: string, title: string, phases: readonly Phase[]): Phase {
  return {
    id,
    title,
    isSideBySide: true,
    steps: async (signal) => {
      const steps = [];
      for (const phase of phases) steps.push(...(await phase.steps(signal)));
      return steps;
    },
  };
}
