import type { Proof } from '@kube-rescue/lab';
import type { DrillReport } from '../drill/drill.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { count, formatSeconds } from './text.ts';

/** What a drill has proven, and how long the recovery took. */
export function renderDrill({ scenario, proofs, recovery, seconds }: DrillReport, terminal: Terminal): string {
  const table = renderTable({ header: ['PROVEN', 'WHAT', 'SEEN'], rows: proofs.map(toRow), flexible: 1 }, terminal);
  const failed = proofs.filter(({ ok }) => !ok).length;
  const verdict = failed === 0 ? `all ${count(proofs.length, 'proof')} hold` : `${failed} of ${count(proofs.length, 'proof')} do not hold`;
  const ready = recovery?.secondsToReadyApi;
  const times = recovery === null ? [] : [`recovered in ${formatSeconds(recovery.seconds)}`];
  if (typeof ready === 'number') times.push(`API ready after ${formatSeconds(ready)}`);
  return [table, '', `${scenario}: ${[verdict, ...times, `${formatSeconds(seconds)} in all`].join(', ')}`].join('\n');
}

function toRow({ name, ok, detail }: Proof) {
  return [{ text: ok ? 'yes' : 'NO', colour: ok ? ('green' as const) : ('red' as const) }, name, detail];
}
