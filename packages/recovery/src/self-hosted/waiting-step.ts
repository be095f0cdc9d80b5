import type { RecoveryError } from '@kube-rescue/errors';
import type { Finding, Step, StepId } from '@kube-rescue/workflow';

/** Stands in a plan for steps that cannot be planned yet, because what they are about cannot be read. */
export function createWaitingStep(input: {
  readonly id: StepId;
  readonly title: string;
  readonly problem: RecoveryError;
  readonly waitsFor: readonly StepId[];
}): Step {
  const { id, title, problem, waitsFor } = input;
  const { code, message, subject, hint } = problem;
  const finding: Finding = { status: 'unknown', summary: message, evidence: [], code, subject, hint, waitsFor };
  return {
    ...{ id, title, requires: [], reversible: 'yes', plan: () => [], apply: async () => undefined },
    check: async () => finding,
    verify: async () => ({ verified: false, reason: message, hint }),
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
