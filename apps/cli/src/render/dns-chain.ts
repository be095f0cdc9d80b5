import type { DnsReport, Link } from '@kube-rescue/ingress-dns';
import type { Terminal } from '../terminal.ts';
import type { Colour } from './style.ts';
import { renderTable } from './table.ts';
import { count, indentText } from './text.ts';

const COLOURS: Readonly<Record<Link['status'], Colour>> = {
  ok: 'green',
  cause: 'red',
  consequence: 'yellow',
  unknown: 'yellow',
};
/** Links of many names that are as they should be say little. */
const MANY_LINKS = 60;

/** The chain as a table, and below it what is to be done about each cause. */
export function renderConditions({ links, causes, healthy }: DnsReport, terminal: Terminal): string {
  const shown = links.length > MANY_LINKS ? links.filter(({ status }) => status !== 'ok') : links;
  const table = renderTable(
    {
      header: ['STATUS', 'LINK', 'SUBJECT', 'SEEN'],
      rows: shown.map(({ status, id, subject, summary }) => [
        { text: status, colour: COLOURS[status] },
        id,
        subject,
        summary,
      ]),
      flexible: 2,
    },
    terminal,
  );
  const details = causes.length > 0 ? causes : links.filter(({ status }) => status === 'unknown');
  const lines = [...details.flatMap((link) => describe(link, terminal)), '', summarize(links, causes, healthy)];
  return [...(shown.length === 0 ? [] : [table]), ...lines].join('\n');
}

function describe({ id, subject, summary, code, hint, evidence }: Link, { columns }: Terminal): readonly string[] {
  const heading = `${id} of ${subject}: ${summary}${code === undefined ? '' : ` (${code})`}`;
  return [
    '',
    indentText('', heading, columns),
    ...evidence.map((line) => indentText('  - ', line, columns)),
    ...(hint === undefined ? [] : [indentText('  hint: ', hint, columns)]),
  ];
}

function summarize(links: readonly Link[], causes: readonly Link[], healthy: boolean): string {
  if (healthy) return `${count(links.length, 'link')}, all good`;
  const consequences = links.filter(({ status }) => status === 'consequence').length;
  const unknown = links.filter(({ status }) => status === 'unknown').length;
  const parts = [
    count(causes.length, 'cause'),
    ...(consequences > 0 ? [count(consequences, 'consequence')] : []),
    ...(unknown > 0 ? [`${unknown} not to be judged`] : []),
  ];
  return `${count(links.length, 'link')}: ${parts.join(', ')}`;
}
