import type { FileStatus, NetworkState } from '@kube-rescue/cni-bootstrap';
import type { Terminal } from '../terminal.ts';
import { type Colour, paint } from './style.ts';
import { renderTable } from './table.ts';
import { indentHint, indentText } from './text.ts';

const STATUS: Readonly<Record<NetworkState['status'], Colour>> = {
  ok: 'green',
  needed: 'yellow',
  blocked: 'red',
  unknown: 'red',
};
const FILE: Readonly<Record<FileStatus['state'], Colour>> = {
  good: 'green',
  own: 'green',
  missing: 'red',
  stale: 'red',
};

/** Network plugin of a node: its files as a table, the evidence, and the next step. */
export function renderNetwork(nodeName: string, state: NetworkState, terminal: Terminal): string {
  const { columns } = terminal;
  const { status, plugin, summary, evidence, code, subject, hint, files } = state;
  const label = `${status}: `;
  const head = indentText(label, `${summary}${code === undefined ? '' : ` (${code})`}`, columns);
  return [
    `network plugin of ${nodeName}: ${plugin}`,
    head.replace(status, paint(status, STATUS[status], terminal)),
    ...(files.length === 0 ? [] : ['', renderFiles(files, terminal)]),
    '',
    ...evidence.map((line) => indentText('  - ', line, columns)),
    ...(subject === undefined ? [] : [indentText('  subject: ', subject, columns)]),
    ...(status === 'needed' ? [indentHint('  hint: ', '`kube-rescue cni bootstrap` writes them', terminal)] : []),
    ...(hint === undefined ? [] : [indentHint('  hint: ', hint, terminal)]),
  ].join('\n');
}

function renderFiles(files: readonly FileStatus[], terminal: Terminal): string {
  const rows = files.map(({ path, state, problems }) => [
    path,
    { text: state, colour: FILE[state] },
    problems.length === 0 ? '-' : problems.join(', '),
  ]);
  return renderTable({ header: ['FILE', 'STATE', 'PROBLEMS'], rows, flexible: 0 }, terminal);
}
