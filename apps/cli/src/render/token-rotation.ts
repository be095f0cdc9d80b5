import type { TokenRotationReport } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentText } from './text.ts';

const STAGES: Readonly<Record<TokenRotationReport['stage'], string>> = {
  settled: 'no rotation is under way',
  publish: 'publish: tokens of the old and of the new key are accepted; the old key signs',
  sign: 'sign: tokens of the old and of the new key are accepted; the new key signs',
};

/** What has to happen before a stage. */
const BEFORE: Readonly<Record<NonNullable<TokenRotationReport['next']>, string>> = {
  sign: 'first publish the new key wherever tokens are verified outside of the cluster',
  drop: 'a day later, when every kubelet has replaced the tokens of its pods; first replace tokens that were copied elsewhere',
};

const COMMAND = 'next: kube-rescue certs rotate-sa --stage';

/** The next step after a completed stage. */
export function renderNextTokenStage(
  { next, file }: Pick<TokenRotationReport, 'next' | 'file'>,
  { columns }: Terminal,
): readonly string[] {
  if (next === null) return [`${file}: the rotation is complete`];
  return [`${COMMAND} ${next}`, indentText('      ', BEFORE[next], columns)];
}

/** The stage of the rotation, the keys, and the next command. */
export function renderTokenRotation({ stage, next, file, keys }: TokenRotationReport, terminal: Terminal): string {
  const rows = keys.map(({ role, keyId }) => [role, keyId]);
  const table = renderTable({ header: ['KEY', 'ID'], rows, flexible: 1 }, terminal);
  return [`${file}: ${STAGES[stage]}`, '', table, ...(next === null ? [] : ['', `${COMMAND} ${next}`])].join('\n');
}
