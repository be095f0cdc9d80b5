import { formatTime } from '@kube-rescue/errors';
import type { RotationReport } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentText } from './text.ts';

const STAGES: Readonly<Record<RotationReport['stage'], string>> = {
  settled: 'no rotation is under way',
  trust: 'trust: old and new CA are trusted; the old CA signs',
  issue: 'issue: old and new CA are trusted; the new CA signs',
};

/** The work of the operator outside of this node before a stage, for a CA with clients elsewhere. */
const BEFORE: Readonly<Record<NonNullable<RotationReport['next']>, string>> = {
  issue:
    'first give the bundle to everything that trusts only the old CA: users, pipelines, other nodes, the pods listed above',
  drop: 'first replace certificates of the old CA: those of users, pipelines and other nodes',
};

/** The next step after a completed stage. */
export function renderNextStage(
  { ca, next, file }: Pick<RotationReport, 'ca' | 'next' | 'file'>,
  { columns }: Terminal,
): readonly string[] {
  if (next === null) return [`${file}: the rotation is complete`];
  const preparation =
    ca === 'cluster' ? [indentText('      ', BEFORE[next].replace('the bundle', `the bundle ${file}`), columns)] : [];
  return [nextCommand(ca, next), ...preparation];
}

function nextCommand(ca: string, stage: string): string {
  return `next: kube-rescue certs rotate-ca ${ca} --stage ${stage}`;
}

/** The stage of a CA rotation, the CA certificates, and the next command. */
export function renderRotation({ ca, stage, next, file, certificates }: RotationReport, terminal: Terminal): string {
  const table = renderTable(
    {
      header: ['CA', 'SERIAL', 'VALID UNTIL'],
      rows: certificates.map(({ role, serial, notAfter }) => [role, serial, formatTime(new Date(notAfter))]),
      flexible: 1,
    },
    terminal,
  );
  const following = next === null ? [] : ['', nextCommand(ca, next)];
  const isEnding = stage === 'settled' && next !== null;
  return [
    `${file}: ${isEnding ? 'drop: the old CA is not yet removed everywhere' : STAGES[stage]}`,
    '',
    table,
    ...following,
  ].join('\n');
}
