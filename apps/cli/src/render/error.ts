import { redact } from '@kube-rescue/errors';
import { reportError } from '../envelope.ts';
import type { Reporter } from '../reporter.ts';
import { paint } from './style.ts';
import { indentText } from './text.ts';

/** Prints a failure for a tired operator: problem, subject, next step, and a code to search for. */
export function printError(error: unknown, reporter: Reporter, isBug = false): void {
  const { code, message, hint, subject } = reportError(error);
  const { terminal } = reporter;
  const lines = [indentText('error: ', message, terminal.columns).replace('error:', paint('error:', 'red', terminal))];
  if (subject !== undefined) lines.push(indentText('  subject: ', subject, terminal.columns));
  if (hint !== undefined) lines.push(indentText('  hint: ', hint, terminal.columns));
  lines.push(`  code: ${code}`);
  if (isBug && error instanceof Error && error.stack !== undefined) lines.push(redact(error.stack));
  reporter.print(lines.join('\n'));
}
