import type { Finding, Step, StepId } from '@kube-rescue/workflow';

/** Replaces steps that cannot be planned yet, because their input cannot be read. */
export function createWaitingStep(input: {
  readonly id: StepId;
  readonly title: string;
  /** The reason, and the steps that it waits for. */
  readonly finding: Finding;
}): Step {
  const { id, title, finding } = input;
  return {
    ...{ id, title, requires: [], reversible: 'yes', plan: () => [], apply: async () => undefined },
    check: async () => finding,
    verify: async () => ({ verified: false, reason: finding.summary, hint: finding.hint }),
  };
}

/** The same step; findings that are unknown, or blocked with a code in `fixedCodes`, wait for the given steps. */
export function afterSteps<S extends Step>(
  step: S,
  waitsFor: readonly StepId[],
  fixedCodes: readonly string[] = [],
): S {
  return {
    ...step,
    check: async (signal: AbortSignal) => {
      const finding = await step.check(signal);
      const isOpen =
        finding.status === 'unknown' || (finding.status === 'blocked' && fixedCodes.includes(finding.code ?? ''));
      return isOpen && (finding.waitsFor ?? []).length === 0 ? { ...finding, waitsFor } : finding;
    },
  };
}
