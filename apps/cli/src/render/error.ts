import { redact } from '@kube-rescue/errors';
import { reportError } from '../envelope.ts';
import { hideValues } from '../secret-arguments.ts';
import type { Reporter } from '../reporter.ts';
import { paint } from './style.ts';
import { indentText } from './text.ts';

/**
 * Prints a failure for a tired operator: problem, subject, next step, and a code to search for.
 * @param hidden values that no message quotes; see `secretArguments`
 */
export function printError(error: unknown, reporter: Reporter, isBug = false, hidden: readonly string[] = []): void {
  const { code, message, hint, subject } = reportError(error, hidden);
  const { terminal } = reporter;
  const lines = [indentText('error: ', message, terminal.columns).replace('error:', paint('error:', 'red', terminal))];
  if (subject !== undefined) lines.push(indentText('  subject: ', subject, terminal.columns));
  if (hint !== undefined) lines.push(indentText('  hint: ', hint, terminal.columns));
  lines.push(`  code: ${code}`);
  if (isBug && error instanceof Error && error.stack !== undefined) lines.push(hideValues(redact(error.stack), hidden));
  reporter.print(lines.join('\n'));
}
