import type { Verdict } from '@kube-rescue/workflow';
import type { Replacement } from './pod-replacement.ts';

/** The verdict for the outcome of a wait. */
export function verdictOf(replacement: Replacement): Verdict {
  if (replacement.state === 'replaced') return { verified: true, evidence: replacement.evidence };
  const { reason, evidence, hint, awaits, elapsedMs } = replacement;
  // Nothing is wrong with the pod.
  if (awaits !== undefined) return { verified: false, reason, hint, awaits };
  return {
    verified: false,
    reason: `after ${Math.round(elapsedMs / 1000)} s ${[reason, ...evidence].join('; ')}`,
    hint,
  };
}
