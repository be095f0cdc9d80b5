import type { Finding, Step, StepId } from '@kube-rescue/workflow';

/** Stands in a plan for steps that cannot be planned yet, because what they are about cannot be read. */
export function createWaitingStep(input: {
  readonly id: StepId;
  readonly title: string;
  /** Why, and which steps it waits for. */
  readonly finding: Finding;
}): Step {
  const { id, title, finding } = input;
  return {
    ...{ id, title, requires: [], reversible: 'yes', plan: () => [], apply: async () => undefined },
    check: async () => finding,
    verify: async () => ({ verified: false, reason: finding.summary, hint: finding.hint }),
  };
}

/** The same step; what it cannot know yet, or what others mend before it, is known to wait for them. */
export function afterSteps<S extends Step>(step: S, waitsFor: readonly StepId[], mended: readonly string[] = []): S {
  return {
    ...step,
    check: async (signal: AbortSignal) => {
      const finding = await step.check(signal);
      const isOpen =
        finding.status === 'unknown' || (finding.status === 'blocked' && mended.includes(finding.code ?? ''));
      return isOpen && (finding.waitsFor ?? []).length === 0 ? { ...finding, waitsFor } : finding;
    },
  };
}
