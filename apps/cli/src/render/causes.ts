import type { Cause, NextStep } from '@kube-rescue/diagnosis';
import { commandLine } from '../call.ts';
import type { Terminal } from '../terminal.ts';
import { indentHint, indentText, oneLine, shorten } from './text.ts';

/** More would push the first ones off a screen of 24 lines. */
const MOST_CAUSES = 3;
const MOST_EVIDENCE = 3;
const INDENT = '   ';

/** Each cause with all its evidence and its hint. */
export function renderCauses(causes: readonly Cause[], terminal: Terminal): readonly string[] {
  const { columns } = terminal;
  return causes.flatMap(({ rank, code, summary, evidence, hint }) => [
    indentText(`${rank}. `, `${summary} (${code})`, columns),
    ...evidence.map((line) => indentText(`${INDENT}- `, line, columns)),
    ...(hint === undefined ? [] : [indentHint(`${INDENT}hint: `, hint, terminal)]),
    '',
  ]);
}

/**
 * The causes on one screen: certificates by ID, consequences in one line, of the others the first lines of evidence, and no hint of the
 * first, which is the next step, nor of certificates that wait for it.
 */
export function summarizeCauses(causes: readonly Cause[], terminal: Terminal): readonly string[] {
  return causes.flatMap((cause, index) => {
    const { rank, code, summary, hint, certificates, fixedBy, isConsequence } = cause;
    const follows = isConsequence === true && hint !== undefined ? `; ${hint}` : ` (${code})`;
    const head = indentText(`${rank}. `, `${summary}${follows}`, terminal.columns);
    if (index >= MOST_CAUSES || isConsequence === true) return [head];
    // Of several certificates some can be renewed by name; that is no step on the way to a cluster that works.
    const isShown = index > 0 && fixedBy === undefined && (certificates ?? []).length < 2 && hint !== undefined;
    return [head, ...detailsOf(cause, terminal), ...(isShown ? [indentHint(`${INDENT}hint: `, hint, terminal)] : [])];
  });
}

function detailsOf({ certificates = [], evidence }: Cause, terminal: Terminal): readonly string[] {
  if (certificates.length > 1) return [indentText(INDENT, certificates.join(', '), terminal.columns)];
  const lines = evidence.slice(0, MOST_EVIDENCE).map((line) => {
    if (terminal.unbounded === true) return indentText(`${INDENT}- `, line, terminal.columns);
    return shorten(`${INDENT}- ${oneLine(line)}`, terminal.columns, terminal);
  });
  const more = evidence.length - MOST_EVIDENCE;
  return more > 0 ? [...lines, `${INDENT}- and ${more} more`] : lines;
}

/** The last lines of an answer: the state in one line, then the next command, whole, on a line of its own. */
export function renderEnding(
  state: string,
  { next, details }: { readonly next: NextStep | null; readonly details?: string | undefined },
  terminal: Terminal,
): readonly string[] {
  const { columns, call } = terminal;
  return [
    indentText('', state, columns),
    ...(details === undefined ? [] : [`details: ${commandLine(details, call)}`]),
    ...(next === null ? [] : renderNext(next, terminal)),
  ];
}

function renderNext({ command, text }: NextStep, terminal: Terminal): readonly string[] {
  if (command === null) return [indentHint('next: ', text, terminal)];
  // Never wrapped: a terminal folds the line by itself, and copies it whole.
  return [`next: ${commandLine(command, terminal.call)}`, indentHint('      ', text, terminal)];
}
