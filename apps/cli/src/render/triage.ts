import type { Finding, Triage } from '@kube-rescue/diagnosis';
import { formatTime } from '@kube-rescue/errors';
import type { Terminal } from '../terminal.ts';
import { renderCauses, renderEnding, summarizeCauses } from './causes.ts';
import { summarizeCertificates } from './certificates.ts';
import { renderConnection } from './etcd-probe.ts';
import { type Colour, paint } from './style.ts';
import { renderTable } from './table.ts';
import { indentHint, indentText } from './text.ts';

const COPY = 'read from a copy of files: no component, service, etcd or API server was asked';
const VERDICTS = {
  healthy: ['healthy', 'green'],
  unhealthy: ['NOT healthy', 'red'],
  unknown: ['UNKNOWN: not everything could be checked', 'yellow'],
} as const satisfies Record<Triage['verdict'], readonly [string, Colour]>;

/**
 * The causes, most fundamental first, then the verdict and the next command as the last lines.
 * @param verbose with all evidence, components, and the `etcdctl` line that works. Default: what fits on a screen
 */
export function renderTriage(triage: Triage, terminal: Terminal, { verbose = false } = {}): string {
  const { columns } = terminal;
  const [words] = VERDICTS[triage.verdict];
  const isBrief = !verbose && triage.causes.length + triage.notices.length > 0;
  return [
    paintVerdict(
      indentText(
        '',
        `${triage.host}: ${words} (layout: ${triage.layout}, checked ${formatTime(new Date(triage.at))})`,
        columns,
      ),
      triage,
      terminal,
    ),
    ...(triage.source === 'copy' ? [indentText('', COPY, columns)] : []),
    '',
    ...(verbose ? renderAll(triage, terminal) : renderBrief(triage, terminal)),
    ...renderEnding(
      stateOf(triage),
      { next: triage.next, details: isBrief ? 'triage --verbose' : undefined },
      terminal,
    ).map((line) => paintVerdict(line, triage, terminal)),
  ].join('\n');
}

function renderBrief({ causes, notices }: Triage, terminal: Terminal): readonly string[] {
  const brief = notices.map(({ code, summary }) => indentText('notice: ', `${summary} (${code})`, terminal.columns));
  const lines = [...summarizeCauses(causes, terminal), ...brief];
  return lines.length === 0 ? [] : [...lines, ''];
}

function renderAll(triage: Triage, terminal: Terminal): readonly string[] {
  return [
    ...renderCauses(triage.causes, terminal),
    ...triage.notices.flatMap((notice) => renderNotice(notice, terminal)),
    ...(triage.components.length === 0 ? [] : [renderComponents(triage, terminal), '']),
    ...renderConnection(triage.etcd?.connection ?? null, terminal),
    summarizeCertificates(triage.certificates),
  ];
}

function renderNotice({ code, summary, evidence, hint }: Finding, terminal: Terminal): readonly string[] {
  return [
    indentText('notice: ', `${summary} (${code})`, terminal.columns),
    ...evidence.map((line) => indentText('   - ', line, terminal.columns)),
    ...(hint === undefined ? [] : [indentHint('   hint: ', hint, terminal)]),
    '',
  ];
}

function stateOf({ verdict, causes, certificates }: Triage): string {
  const [first, ...more] = causes;
  const why = first === undefined ? summarizeCertificates(certificates) : first.summary;
  const rest = more.filter(({ isConsequence }) => isConsequence !== true).length;
  return `${VERDICTS[verdict][0]}: ${why}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function paintVerdict(line: string, { verdict }: Triage, terminal: Terminal): string {
  const [words, colour] = VERDICTS[verdict];
  return line.replace(words, paint(words, colour, terminal));
}

function renderComponents({ components }: Triage, terminal: Terminal): string {
  const rows = components.map(({ name, state, healthy, detail }) => {
    const health = healthy === undefined ? '-' : healthy ? 'yes' : 'NO';
    const colour = healthy === undefined ? undefined : healthy ? ('green' as const) : ('red' as const);
    return [name, state, { text: health, colour }, detail];
  });
  return renderTable({ header: ['COMPONENT', 'STATE', 'HEALTHY', 'DETAIL'], rows, flexible: 0 }, terminal);
}
