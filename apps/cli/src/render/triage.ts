import type { Triage } from '@kube-rescue/diagnosis';
import { formatTime } from '@kube-rescue/errors';
import type { Terminal } from '../terminal.ts';
import { summarizeCertificates } from './certificates.ts';
import { renderConnection } from './etcd-probe.ts';
import { type Colour, paint } from './style.ts';
import { renderTable } from './table.ts';
import { indentText, oneLine } from './text.ts';

const COPY = 'read from a copy of files: no component, service, etcd or API server was asked';
const VERDICTS = {
  healthy: ['healthy', 'green'],
  unhealthy: ['NOT healthy', 'red'],
  unknown: ['UNKNOWN: not everything could be checked', 'yellow'],
} as const satisfies Record<Triage['verdict'], readonly [string, Colour]>;

/** Problems of a node, root causes first, with their evidence. */
export function renderTriage(triage: Triage, terminal: Terminal): string {
  const { columns } = terminal;
  const [words, colour] = VERDICTS[triage.verdict];
  const state = paint(words, colour, terminal);
  const head = `${oneLine(triage.host)}: ${state} (layout: ${oneLine(triage.layout)}, checked ${formatTime(new Date(triage.at))})`;
  const causes = triage.causes.flatMap(({ rank, code, summary, evidence, hint }) => [
    indentText(`${rank}. `, `${summary} (${code})`, columns),
    ...evidence.map((line) => indentText('   - ', line, columns)),
    ...(hint === undefined ? [] : [indentText('   hint: ', hint, columns)]),
    '',
  ]);
  const notices = triage.notices.flatMap(({ code, summary, evidence, hint }) => [
    indentText('notice: ', `${summary} (${code})`, columns),
    ...evidence.map((line) => indentText('   - ', line, columns)),
    ...(hint === undefined ? [] : [indentText('   hint: ', hint, columns)]),
    '',
  ]);
  return [
    head,
    ...(triage.source === 'copy' ? [indentText('', COPY, columns)] : []),
    '',
    ...(causes.length === 0 ? [] : ['problems, root causes first', '', ...causes]),
    ...notices,
    ...(triage.components.length === 0 ? [] : [renderComponents(triage, terminal), '']),
    ...renderConnection(triage.etcd?.connection ?? null, terminal),
    `${summarizeCertificates(triage.certificates)} (see: kube-rescue certs check)`,
  ].join('\n');
}

function renderComponents({ components }: Triage, terminal: Terminal): string {
  const rows = components.map(({ name, state, healthy, detail }) => {
    const health = healthy === undefined ? '-' : healthy ? 'yes' : 'NO';
    const colour = healthy === undefined ? undefined : healthy ? ('green' as const) : ('red' as const);
    return [name, state, { text: health, colour }, detail];
  });
  return renderTable({ header: ['COMPONENT', 'STATE', 'HEALTHY', 'DETAIL'], rows, flexible: 0 }, terminal);
}
