import type { CertificateRow } from '@kube-rescue/cert-rotation';
import type { CertificateCheck } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { renderEnding, summarizeCauses } from './causes.ts';
import type { Colour } from './style.ts';
import { renderTable } from './table.ts';
import { count, indentHint, indentText } from './text.ts';

const COLOURS: Readonly<Record<CertificateRow['status'], Colour>> = { ok: 'green', warning: 'yellow', problem: 'red' };

type Check = Pick<CertificateCheck, 'certificates' | 'findings' | 'unread' | 'causes' | 'next'>;
type RowProblem = CertificateRow['problems'][number];

/**
 * The certificates of a node as a table, what is wrong with them, and the next command.
 * @param verbose every problem of every certificate. Default: equal ones are one
 */
export function renderCertificates(check: Check, terminal: Terminal, { verbose = false } = {}): string {
  const { certificates: rows, findings, unread, causes, next } = check;
  const table = renderTable(
    {
      header: ['STATUS', 'DAYS', 'EXPIRES', 'ID', ...(terminal.wide ? ['SIGNED BY', 'KEY', 'SUBJECT'] : []), 'PATH'],
      rows: rows.map((row) => {
        const { status, daysLeft, notAfter, id, path } = row;
        const days = daysLeft === null ? '-' : String(daysLeft);
        const more = terminal.wide ? [row.issuer ?? 'itself', row.keyAlgorithm ?? '-', row.subject ?? '-'] : [];
        const state = { text: status, colour: COLOURS[status] };
        return [state, days.padStart(4), notAfter?.slice(0, 10) ?? '-', id, ...more, path];
      }),
      flexible: 4,
    },
    terminal,
  );
  const brief = [...summarizeCauses(causes, terminal), ...renderWarnings(check, terminal)];
  const details = verbose ? renderDetails(check, terminal) : brief.length === 0 ? [] : ['', ...brief];
  const summary = `${summarizeCertificates(rows)}${findings.length === 0 ? '' : `; ${count(findings.length, 'problem')} of flags`}`;
  const incomplete =
    unread.length === 0 ? '' : `; NOT COMPLETE: ${count(unread.length, 'file')} that may name others cannot be read`;
  return [
    table,
    ...details,
    '',
    ...renderEnding(
      `${summary}${incomplete}`,
      { next, details: verbose || brief.length === 0 ? undefined : 'certs check --verbose' },
      terminal,
    ),
  ].join('\n');
}

/** Warnings of certificates without a problem, equal ones once, and none that is among the causes. */
function renderWarnings({ certificates, causes }: Check, terminal: Terminal): readonly string[] {
  const isCause = ({ problem }: { readonly problem: RowProblem }): boolean =>
    causes.some(({ code }) => code === problem.code);
  const all = certificates.flatMap((row) =>
    row.status === 'warning' ? row.problems.map((problem) => ({ row, problem })) : [],
  );
  const groups = Map.groupBy(
    all.filter((each) => !isCause(each)),
    ({ problem: { code, message } }) => `${message} (${code})`,
  );
  return [...groups].map(([what, same]) =>
    indentText('warning: ', `${what}: ${same.map(({ row: { id } }) => id).join(', ')}`, terminal.columns),
  );
}

function renderDetails({ certificates, findings, unread }: Check, terminal: Terminal): readonly string[] {
  const { columns } = terminal;
  const troubled = certificates.filter(({ problems }) => problems.length > 0);
  const rows = troubled.flatMap(({ id, path, problems }) => [
    '',
    indentText('', id, columns),
    ...problems.flatMap(({ code, subject, message, hint }) => {
      const prefix = subject === path || subject === '' ? '' : `${subject}: `;
      return [
        indentText('  - ', `${prefix}${message} (${code})`, columns),
        ...(hint === '' ? [] : [indentHint('    hint: ', hint, terminal)]),
      ];
    }),
  ]);
  const contradictions = findings.flatMap(({ code, summary, evidence, hint }) => [
    '',
    indentText('', `${summary} (${code})`, columns),
    ...evidence.map((line) => indentText('  - ', line, columns)),
    ...(hint === undefined ? [] : [indentHint('  hint: ', hint, terminal)]),
  ]);
  const notRead = unread.flatMap(({ path, message, code, hint }) => [
    '',
    indentText('not read: ', `${path}: ${message} (${code})`, columns),
    ...(hint === undefined ? [] : [indentHint('  hint: ', hint, terminal)]),
  ]);
  return [...rows, ...contradictions, ...notRead];
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
