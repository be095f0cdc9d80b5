import type { CertificateRow } from '@kube-rescue/cert-rotation';
import type { CertificateCheck } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import type { Colour } from './style.ts';
import { renderTable } from './table.ts';
import { count, indentText } from './text.ts';

const COLOURS: Readonly<Record<CertificateRow['status'], Colour>> = { ok: 'green', warning: 'yellow', problem: 'red' };

/** The certificates of a node as a table, with the problems of each and the files that could not be read below. */
export function renderCertificates(
  { certificates: rows, findings, unread }: Pick<CertificateCheck, 'certificates' | 'findings' | 'unread'>,
  terminal: Terminal,
): string {
  const table = renderTable(
    {
      header: ['STATUS', 'DAYS', 'EXPIRES', 'ID', 'PATH'],
      rows: rows.map(({ status, daysLeft, notAfter, id, path }) => {
        const days = daysLeft === null ? '-' : String(daysLeft);
        return [{ text: status, colour: COLOURS[status] }, days.padStart(4), notAfter?.slice(0, 10) ?? '-', id, path];
      }),
      flexible: 4,
    },
    terminal,
  );
  const troubled = rows.filter(({ problems }) => problems.length > 0);
  const details = troubled.flatMap(({ id, path, problems }) => [
    '',
    indentText('', id, terminal.columns),
    ...problems.flatMap(({ code, subject, message, hint }) => [
      indentText(
        '  - ',
        `${subject === path || subject === '' ? '' : `${subject}: `}${message} (${code})`,
        terminal.columns,
      ),
      ...(hint === undefined ? [] : [indentText('    hint: ', hint, terminal.columns)]),
    ]),
  ]);
  const contradictions = findings.flatMap(({ code, summary, evidence, hint }) => [
    '',
    indentText('', `${summary} (${code})`, terminal.columns),
    ...evidence.map((line) => indentText('  - ', line, terminal.columns)),
    ...(hint === undefined ? [] : [indentText('  hint: ', hint, terminal.columns)]),
  ]);
  const notRead = unread.flatMap(({ path, message, code, hint }) => [
    '',
    indentText('not read: ', `${path}: ${message} (${code})`, terminal.columns),
    ...(hint === undefined ? [] : [indentText('  hint: ', hint, terminal.columns)]),
  ]);
  const summary = `${summarizeCertificates(rows)}${findings.length === 0 ? '' : `; ${count(findings.length, 'problem')} of flags`}`;
  const incomplete =
    unread.length === 0 ? '' : `; NOT COMPLETE: ${count(unread.length, 'file')} that may name others cannot be read`;
  return [
    table,
    ...details,
    ...contradictions,
    ...notRead,
    '',
    indentText('', `${summary}${incomplete}`, terminal.columns),
  ].join('\n');
}

/** `12 certificates: 3 with problems, 1 with warnings`. */
export function summarizeCertificates(rows: readonly CertificateRow[]): string {
  const having = (status: CertificateRow['status']): number => rows.filter((row) => row.status === status).length;
  const problems = having('problem');
  const warnings = having('warning');
  const all = count(rows.length, 'certificate');
  if (problems + warnings === 0) return `${all}, all valid`;
  return `${all}: ${problems} with problems, ${warnings} with warnings`;
}
