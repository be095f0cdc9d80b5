import { isRecoveryError, printable, redact } from '@kube-rescue/errors';
import { CliError } from './errors.ts';
import { EXIT, exitCodeFor, isUsageError } from './exit-codes.ts';
import { hideValues } from './secret-arguments.ts';

const API_VERSION = 'kube-rescue/v1';
const INTERRUPTED = 'interrupted; nothing was changed';

/** A failure, for operators and programs. */
interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly subject: string | undefined;
}

/** A failure as text shows it: the message without its reasons, and these. */
interface ErrorText extends ErrorReport {
  readonly lead: string;
  readonly reasons: readonly string[];
}

/** The one JSON document of a command under `--json`, on success and on failure. */
export type Envelope =
  | { readonly apiVersion: string; readonly ok: true; readonly result: object; readonly warnings: readonly string[] }
  | {
      readonly apiVersion: string;
      readonly ok: false;
      readonly error: { readonly [field in keyof ErrorReport]: string | null };
      /** Partial result of a failed command. */
      readonly result?: object;
      readonly warnings: readonly string[];
    };

export function wrapResult(result: object, warnings: readonly string[]): Envelope {
  return { apiVersion: API_VERSION, ok: true, result, warnings };
}

/** @param hidden values that no message quotes; see `secretArguments` */
export function wrapError(
  error: unknown,
  warnings: readonly string[],
  result?: object,
  hidden: readonly string[] = [],
): Envelope {
  const { code, message, hint, subject } = reportError(error, hidden);
  const report = { code, message, hint: hint ?? null, subject: subject ?? null };
  return { apiVersion: API_VERSION, ok: false, error: report, ...(result === undefined ? {} : { result }), warnings };
}

/** Names a failure of any kind by code, message, hint and subject, redacted and without the values in `hidden`. */
export function reportError(error: unknown, hidden: readonly string[] = []): ErrorText {
  const { code, message, hint, subject } = reportOf(error);
  const hide = (text: string | undefined): string | undefined => text && hideValues(text, hidden);
  const { lead, reasons } = isRecoveryError(error) ? error : { lead: message, reasons: [] };
  return {
    ...{ code, message: hideValues(message, hidden), hint: hide(hint), subject: hide(subject) },
    lead: hideValues(printable(lead), hidden),
    reasons: reasons.map((reason) => hideValues(printable(reason), hidden)),
  };
}

function reportOf(error: unknown): ErrorReport {
  if (isRecoveryError(error)) {
    const { code, message, hint, subject } = error;
    return { code, message: printable(message), hint, subject };
  }
  if (exitCodeFor(error) === EXIT.interrupted) {
    return { code: 'INTERRUPTED', message: INTERRUPTED, hint: undefined, subject: undefined };
  }
  return error instanceof Error && isUsageError(error) ? reportUsage(error) : reportBug(error);
}

function reportBug(error: unknown): ErrorReport {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'BUG',
    message: `${printable(redact(message))} (this is a bug of kube-rescue)`,
    hint: 'report it with the stack trace on the error output',
    subject: undefined,
  };
}

/** Reduces a message of oclif to one line without its advice. */
function reportUsage(error: Error): ErrorReport {
  // oxlint-disable-next-line no-control-regex -- oclif colours parts of its messages
  const plain = error.message.replace(/\u001b\[[\d;]*m/g, '').replace(/\n?See more help with --help/, '');
  const lines = plain.split('\n').map((line) => line.trim());
  const message = lines
    .filter((line) => line !== '')
    .join(' ')
    .replace(/^Parsing (--\S+)/, '$1:')
    // oclif joins topic and command with a colon.
    .replace(/^command (\S+) not found$/, (_, id: string) => `command ${id.replaceAll(':', ' ')} not found`)
    .replace(/^The following errors? occurred: /, '')
    // This note is about flags that were not used.
    .replace(/ Note: --.* allow(?:s)? multiple values\..*$/, '')
    .replace(/ {2,}/g, ': ');
  return {
    code: 'USAGE',
    message: printable(redact(message.charAt(0).toLowerCase() + message.slice(1))),
    hint: 'usageHint' in error && typeof error.usageHint === 'string' ? error.usageHint : 'see: `kube-rescue help`',
    subject: undefined,
  };
}

/** A usage error beyond the checks of oclif. */
export function usageError(message: string, subject: string, hint: string): CliError {
  return new CliError({ code: 'USAGE', message, subject, hint });
}
