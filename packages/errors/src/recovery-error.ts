import { redact } from './redact.ts';

/** Input of {@link RecoveryError}. */
export interface RecoveryErrorDetails<C extends string> {
  /** Stable, documented identifier, for example `PKI_CA_KEY_MISSING`. */
  readonly code: C;
  /** One sentence in lower case without a period: what failed. */
  readonly message: string;
  /** The file, node, step or key concerned. */
  readonly subject?: string | undefined;
  /** What the operator does next, in the imperative. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An expected failure: a code, a subject and a hint for the operator.
 *
 * Every package derives its own class with a closed union of codes. Message, subject and hint are redacted on
 * construction, so key material in them never leaves the process. `cause` is not redacted: renderers print a cause only
 * through {@link describeError}. Bugs throw plain `Error` instead.
 */
export class RecoveryError<C extends string = string> extends Error {
  readonly code: C;
  readonly subject: string | undefined;
  readonly hint: string | undefined;

  constructor(details: RecoveryErrorDetails<C>) {
    super(redact(details.message), { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.subject = details.subject === undefined ? undefined : redact(details.subject);
    this.hint = details.hint === undefined ? undefined : redact(details.hint);
  }
}

/** Whether `error` is an expected failure, with one of `codes` when any are given. */
export function isRecoveryError(error: unknown, ...codes: readonly string[]): error is RecoveryError {
  if (!(error instanceof RecoveryError)) return false;
  const code: unknown = error.code;
  return codes.length === 0 || codes.some((wanted) => wanted === code);
}

/** Formats any failure and its causes as one redacted line: `message (CODE): cause`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`;
  return redact(`${error.message}${code}${cause}`);
}
