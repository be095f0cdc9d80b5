import type { EtcdAttemptRow, EtcdReport } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { indentText, oneLine } from './text.ts';

/** The line that works, ready to be pasted, then everything that was tried. */
export function renderProbe(sight: EtcdReport, terminal: Terminal): string {
  const attempts = sight.attempts.flatMap((attempt) => [renderAttempt(attempt, terminal), '']);
  return [
    ...renderConnection(sight.connection, terminal),
    ...(attempts.length === 0 ? ['nothing was tried'] : ['tried:', '', ...attempts]),
  ]
    .join('\n')
    .trimEnd();
}

/** The `etcdctl` line, unbroken, because it is there to be pasted; nothing when there is none. */
export function renderConnection(connection: EtcdReport['connection'], terminal: Terminal): readonly string[] {
  if (connection === null) return [];
  const notes = [
    ...(connection.isServerExpired ? ['the certificate of the server has expired'] : []),
    ...(connection.hasQuorum ? [] : ['etcd has no quorum: it can be read, not written']),
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
