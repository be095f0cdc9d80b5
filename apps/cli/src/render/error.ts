import { redact } from '@kube-rescue/errors';
import { reportError } from '../envelope.ts';
import { hideValues } from '../secret-arguments.ts';
import type { Reporter } from '../reporter.ts';
import { paint } from './style.ts';
import { indentHint, indentText } from './text.ts';

/**
 * Prints a failure for a tired operator: problem, its reasons as a list, subject, next step, and a code to search for.
 * @param hidden values that no message quotes; see `secretArguments`
 */
export function printError(error: unknown, reporter: Reporter, isBug = false, hidden: readonly string[] = []): void {
  const { code, message, lead, reasons, hint, subject } = reportError(error, hidden);
  const { terminal } = reporter;
  // The answer of the operator is no failure.
  if (code === 'DECLINED') return reporter.print(message);
  const isList = reasons.length > 1;
  const head = indentText('error: ', isList ? `${lead}:` : message, terminal.columns);
  const lines = [head.replace('error:', paint('error:', 'red', terminal))];
  if (isList) lines.push(...reasons.map((reason) => indentText('  - ', reason, terminal.columns)));
  if (subject !== undefined) lines.push(indentText('  subject: ', subject, terminal.columns));
  if (hint !== undefined) lines.push(indentHint('  hint: ', hint, terminal));
  lines.push(`  code: ${code}`);
  if (isBug && error instanceof Error && error.stack !== undefined) lines.push(hideValues(redact(error.stack), hidden));
  reporter.print(lines.join('\n'));
}
