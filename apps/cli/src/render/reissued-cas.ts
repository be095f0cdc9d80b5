import { formatTime } from '@kube-rescue/errors';
import { shellLine } from '@kube-rescue/host';
import type { Results } from '../results.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentHint } from './text.ts';

/** The CA certificates that were issued, and how they reach every control-plane node. */
export function renderReissuedCas({ directory, cas }: Results['certs reissue-cas'], terminal: Terminal): string {
  if (cas.length === 0) {
    return 'no CA has expired or expires soon: nothing was written; name one to reissue it all the same';
  }
  const rows = cas.map(({ id, subject, notAfter, path }) => [id, subject, formatTime(new Date(notAfter)), path]);
  const words = shellLine([directory]);
  const next = [
    `copy ${directory} to each control-plane node; it holds no key`,
    `on each of them, also on this one: \`kube-rescue recover --cas ${words}\``,
  ];
  return [
    renderTable({ header: ['CA', 'SUBJECT', 'EXPIRES', 'FILE'], rows, flexible: 1 }, terminal),
    'nothing was installed',
    ...next.map((step, index) => indentHint(`${index + 1}. `, step, terminal)),
  ].join('\n');
}
