import type { RotationReport } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentText } from './text.ts';

const STAGES: Readonly<Record<RotationReport['stage'], string>> = {
  settled: 'no rotation is under way',
  trust: 'trust: a new CA is trusted beside the old one, and signs nothing yet',
  issue: 'issue: the new CA signs, the old one is trusted still',
};

/** What has to be done outside of this node before a stage, for a CA that others have certificates of. */
const BEFORE: Readonly<Record<NonNullable<RotationReport['next']>, string>> = {
  issue:
    'first give the bundle to whoever knows the old CA alone: people, pipelines, other nodes, pods that are named above',
  drop: 'first give new certificates to whoever has one of the old CA: people, pipelines, other nodes',
};

/** What comes after a stage that has just been carried out. */
export function renderNextStage(
  { ca, next, file }: Pick<RotationReport, 'ca' | 'next' | 'file'>,
  { columns }: Terminal,
): readonly string[] {
  if (next === null) return [`${file}: the rotation is at its end`];
  const others =
    ca === 'cluster' ? [indentText('      ', BEFORE[next].replace('the bundle', `the bundle ${file}`), columns)] : [];
  return [nextCommand(ca, next), ...others];
}

function nextCommand(ca: string, stage: string): string {
  return `next: kube-rescue certs rotate-ca ${ca} --stage ${stage}`;
}

/** The stage of a CA, what it is made of, and what comes next. */
export function renderRotation({ ca, stage, next, file, certificates }: RotationReport, terminal: Terminal): string {
  const table = renderTable(
    {
      header: ['CA', 'SERIAL', 'VALID UNTIL'],
      rows: certificates.map(({ role, serial, notAfter }) => [role, serial, notAfter]),
      flexible: 1,
    },
    terminal,
  );
  const following = next === null ? [] : ['', nextCommand(ca, next)];
  const isEnding = stage === 'settled' && next !== null;
  return [
    `${file}: ${isEnding ? 'drop: the old CA is not dropped everywhere yet' : STAGES[stage]}`,
    '',
    table,
    ...following,
  ].join('\n');
}
