import type { RotationReport } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

const STAGES: Readonly<Record<RotationReport['stage'], string>> = {
  settled: 'no rotation is under way',
  trust: 'trust: a new CA is trusted beside the old one, and signs nothing yet',
  issue: 'issue: the new CA signs, the old one is trusted still',
};

/** The stage of a CA, what it is made of, and what comes next. */
export function renderRotation(
  { authority, stage, next, file, certificates }: RotationReport,
  terminal: Terminal,
): string {
  const table = renderTable(
    {
      header: ['CA', 'SERIAL', 'VALID UNTIL'],
      rows: certificates.map(({ role, serial, notAfter }) => [role, serial, notAfter]),
      flexible: 1,
    },
    terminal,
  );
  const following = next === null ? [] : ['', `next: kube-rescue certs rotate-ca ${authority} --stage ${next}`];
  const isEnding = stage === 'settled' && next !== null;
  return [
    `${file}: ${isEnding ? 'drop: the old CA is not dropped everywhere yet' : STAGES[stage]}`,
    '',
    table,
    ...following,
  ].join('\n');
}
