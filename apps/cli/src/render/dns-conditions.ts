import type { DnsReport, Condition } from '@kube-rescue/ingress-dns';
import type { Terminal } from '../terminal.ts';
import { splitPolicy } from './iam-policy.ts';
import type { Colour } from './style.ts';
import { renderTable } from './table.ts';
import { count, indentHint, indentText } from './text.ts';

const COLOURS: Readonly<Record<Condition['status'], Colour>> = {
  ok: 'green',
  cause: 'red',
  consequence: 'yellow',
  unknown: 'yellow',
};
/** Above this number, conditions that are ok are omitted. */
const MANY_CONDITIONS = 60;

/** The conditions as a table, then each cause, then the state and what to do about the first cause. */
export function renderConditions({ conditions, causes, healthy }: DnsReport, terminal: Terminal): string {
  const { wide = false } = terminal;
  const shown =
    conditions.length > MANY_CONDITIONS && !wide ? conditions.filter(({ status }) => status !== 'ok') : conditions;
  const table = renderTable(
    {
      header: ['STATUS', 'CONDITION', 'SUBJECT', 'SUMMARY', ...(wide ? ['CODE', 'EVIDENCE'] : [])],
      rows: shown.map(({ status, id, subject, summary, code, evidence }) => [
        { text: status, colour: COLOURS[status] },
        id,
        subject,
        summary,
        ...(wide ? [code ?? '-', evidence.join('; ') || '-'] : []),
      ]),
      flexible: 2,
    },
    terminal,
  );
  const details = causes.length > 0 ? causes : conditions.filter(({ status }) => status === 'unknown');
  const [first] = details;
  const lines = [
    ...details.flatMap((condition) => describe(condition, { isFirst: condition === first }, terminal)),
    '',
    indentText('', `${stateOf(details, healthy)}${summarize(conditions, causes, healthy)}`, terminal.columns),
    ...(first?.hint === undefined ? [] : [indentHint('next: ', splitPolicy(first.hint).hint, terminal)]),
  ];
  return [...(shown.length === 0 ? [] : [table]), ...lines].join('\n');
}

/** @param isFirst its hint is the next step, in the last lines */
function describe(
  { id, subject, summary, code, hint, evidence }: Condition,
  { isFirst }: { readonly isFirst: boolean },
  terminal: Terminal,
): readonly string[] {
  const { columns } = terminal;
  const heading = `${id} of ${subject}: ${summary}${code === undefined ? '' : ` (${code})`}`;
  const advice = splitPolicy(hint ?? '');
  return [
    '',
    indentText('', heading, columns),
    ...evidence.map((line) => indentText('  - ', line, columns)),
    ...(hint === undefined || isFirst ? [] : [indentHint('  hint: ', advice.hint, terminal)]),
    ...(advice.policy === undefined ? [] : [advice.policy]),
  ];
}

/** The first cause in a line, where something is wrong or not known. */
function stateOf([first, ...more]: readonly Condition[], healthy: boolean): string {
  if (healthy || first === undefined) return '';
  const words = first.status === 'unknown' ? 'UNKNOWN' : 'NOT healthy';
  return `${words}: ${first.subject}: ${first.summary}${more.length > 0 ? `, and ${more.length} more` : ''}; `;
}

function summarize(conditions: readonly Condition[], causes: readonly Condition[], healthy: boolean): string {
  if (healthy) return `${count(conditions.length, 'condition')}, all ok`;
  const consequences = conditions.filter(({ status }) => status === 'consequence').length;
  const unknown = conditions.filter(({ status }) => status === 'unknown').length;
  const parts = [
    count(causes.length, 'cause'),
    ...(consequences > 0 ? [count(consequences, 'consequence')] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
  ];
  return `${count(conditions.length, 'condition')}: ${parts.join(', ')}`;
}
