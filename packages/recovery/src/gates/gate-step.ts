import type { Clock } from '@kube-rescue/host';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';

export interface GateInput {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
  /** One observation, now. */
  readonly observe: (signal: AbortSignal) => Promise<Verdict>;
  /** Waits until the effect is stable. Default: until one observation verifies it. */
  readonly prove?: ((signal: AbortSignal, waitingFor: (what: string) => void) => Promise<Verdict>) | undefined;
  readonly timeoutMs: number;
}

const INTERVAL_MS = 250;

/**
 * A step without changes: waits for an effect of earlier steps, and fails without it.
 *
 * Its check is one observation; `needed` means that the effect is missing.
 */
export function createGateStep(input: GateInput, { clock }: { readonly clock: Clock }): Step {
  const { id, title, requires, observe } = input;
  return {
    id,
    title,
    requires,
    reversible: 'no',
    isProof: true,
    check: async (signal) => {
      const verdict = await observe(signal);
      return verdict.verified
        ? { status: 'ok', summary: 'the condition already holds', evidence: verdict.evidence }
        : { status: 'needed', summary: verdict.reason, evidence: [] };
    },
    plan: () => [],
    apply: async () => undefined,
    verify: async (signal, waitingFor = () => undefined) => {
      if (input.prove !== undefined) return input.prove(signal, waitingFor);
      const start = clock.now().getTime();
      for (;;) {
        const verdict = await observe(signal);
        const elapsedMs = clock.now().getTime() - start;
        if (verdict.verified || elapsedMs >= input.timeoutMs) return afterWaiting(verdict, elapsedMs);
        waitingFor(verdict.reason);
        await clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}

function afterWaiting(verdict: Verdict, elapsedMs: number): Verdict {
  if (verdict.verified) return verdict;
  return { ...verdict, reason: `after ${Math.round(elapsedMs / 1000)} s: ${verdict.reason}` };
}
