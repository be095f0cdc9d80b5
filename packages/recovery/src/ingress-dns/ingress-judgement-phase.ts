import type { Phase, Step, StepReport } from '@kube-rescue/workflow';

const JUDGE = 'dns/judge';

/** The result of an ingress DNS judgement. */
export interface IngressJudgement {
  /** In one line; `undefined` when nothing is wrong. */
  readonly problem: string | undefined;
  /** A line for each condition that does not hold. */
  readonly evidence: readonly string[];
}

/**
 * The last phase of a recovery without new AWS keys: judges the DNS records of the ingress. Changes nothing and never fails a
 * recovery; problems become warnings in the journal of the run.
 *
 * @param input.isDue whether the cluster is reachable and keeps DNS records; read when the phase is reached
 */
export function createIngressJudgementPhase(input: {
  readonly isDue: () => Promise<boolean>;
  readonly judge: () => Promise<IngressJudgement>;
}): Phase {
  return {
    id: 'ingress-judgement',
    title: 'Ingress DNS',
    steps: async () => ((await input.isDue()) ? [createJudgementStep(input.judge)] : []),
  };
}

function createJudgementStep(judge: () => Promise<IngressJudgement>): Step {
  let problem: string | undefined;
  return {
    id: JUDGE,
    title: 'check the DNS records of the ingress',
    requires: [],
    reversible: 'yes',
    isPrecaution: true,
    check: async () => {
      const judgement = await judge();
      problem = judgement.problem;
      if (problem === undefined) return { status: 'ok', summary: 'the names resolve to the ingress', evidence: [] };
      return { status: 'needed', summary: problem, evidence: judgement.evidence };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async () => ({ verified: true, evidence: [], ...(problem === undefined ? {} : { warnings: [problem] }) }),
  };
}

/** Whether a run has already reported the judgement, as a warning of its step. */
export function hasReportedJudgement(steps: readonly StepReport[]): boolean {
  return steps.some(({ step, result }) => step === JUDGE && result === 'done');
}
