import type { EtcdAttemptRow, EtcdReport } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { indentText, oneLine } from './text.ts';

/** The working `etcdctl` line to paste, then every attempt. */
export function renderProbe(report: EtcdReport, terminal: Terminal): string {
  const attempts = report.attempts.flatMap((attempt) => [renderAttempt(attempt, terminal), '']);
  return [
    ...renderConnection(report.connection, terminal),
    ...(attempts.length === 0 ? ['no attempts'] : ['attempts:', '', ...attempts]),
  ]
    .join('\n')
    .trimEnd();
}

/** The `etcdctl` line on one line, to paste; empty without a connection. */
export function renderConnection(connection: EtcdReport['connection'], terminal: Terminal): readonly string[] {
  if (connection === null) return [];
  const notes = [
    ...(connection.isServerExpired ? ['the server certificate has expired'] : []),
    ...(connection.hasQuorum ? [] : ['etcd has no quorum: reads work, writes fail']),
    ...connection.notes,
  ];
  return [oneLine(connection.etcdctl), ...notes.map((note) => indentText('  note: ', note, terminal.columns)), ''];
}

function renderAttempt(
  { endpoint, ca, certificate, serverName, outcome, code, message }: EtcdAttemptRow,
  terminal: Terminal,
): string {
  const works = outcome === 'works';
  const word = outcome.padEnd(10);
  const label = endpoint ?? certificate ?? ca ?? '';
  const details = [
    ...(endpoint !== null && ca !== null ? [['CA', ca] as const] : []),
    ...(endpoint !== null && certificate !== null ? [['client', certificate] as const] : []),
    ...(serverName === null ? [] : [['server name', serverName] as const]),
    ['', code === null ? message : `${message} (${code})`] as const,
  ];
  const head = indentText(word, label, terminal.columns).replace(word, paint(word, works ? 'green' : 'red', terminal));
  return [
    head,
    ...details.map(([name, text]) =>
      indentText(name === '' ? '          ' : `          ${name}: `, text, terminal.columns),
    ),
  ].join('\n');
}
