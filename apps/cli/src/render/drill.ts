import type { Proof } from '@kube-rescue/lab';
import type { DrillReport } from '../drill/drill.ts';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { count, formatSeconds, hang } from './text.ts';

/** What a drill has proven, and how long the recovery took. */
export function renderDrill({ scenario, proofs, recovery, seconds }: DrillReport, terminal: Terminal): string {
  const failed = proofs.filter(({ ok }) => !ok).length;
  const all = count(proofs.length, 'proof');
  const parts = [failed === 0 ? `all ${all} hold` : `${failed} of ${all} do not hold`];
  if (recovery !== null) parts.push(`recovered in ${formatSeconds(recovery.seconds)}`);
  const ready = recovery?.secondsToReadyApi ?? undefined;
  if (ready !== undefined) parts.push(`API ready after ${formatSeconds(ready)}`);
  const summary = `${scenario}: ${[...parts, `${formatSeconds(seconds)} in all`].join(', ')}`;
  return [...proofs.map((proof) => renderProof(proof, terminal)), '', hang('', summary, terminal.columns)].join('\n');
}

/** What was seen is told where it is not what it should be; the JSON has all of it. */
function renderProof({ name, ok, detail }: Proof, terminal: Terminal): string {
  if (ok) return hang('ok  ', name, terminal.columns).replace('ok', paint('ok', 'green', terminal));
  return hang('NO  ', `${name}; seen: ${detail}`, terminal.columns).replace('NO', paint('NO', 'red', terminal));
}
