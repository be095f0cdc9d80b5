import { type ErrorKind, IS_KNOWN_WRONG } from './error-kind.ts';
import { redact } from './redact.ts';

/** Input of {@link RecoveryError}. */
export interface RecoveryErrorDetails<C extends string> {
  /** Stable, documented identifier, for example `PKI_CA_KEY_MISSING`. */
  readonly code: C;
  /** One sentence in lower case without a period: what failed. */
  readonly message: string;
  /** Several reasons, a sentence each; equal ones count once. They are appended to the message. Default: the message has it all. */
  readonly reasons?: readonly string[] | undefined;
  /** The file, node, step or key concerned. */
  readonly subject?: string | undefined;
  /** What the operator does next, in the imperative. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The error codes of every package that is part of the program, by the name of the package. Each package adds its own table:
 *
 * ```ts
 * const HOST_ERRORS = { HOST_LOCKED: 'blocked' } as const satisfies Record<string, ErrorKind>;
 * declare module '@kube-rescue/errors' {
 *   interface ErrorTables { host: typeof HOST_ERRORS }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- packages merge their tables into it
export interface ErrorTables {}

/** Every code that some package of the program declares. */
export type ErrorCode = Extract<{ [P in keyof ErrorTables]: keyof ErrorTables[P] }[keyof ErrorTables], string>;

/**
 * An expected failure, described to the operator by code, subject and hint, and to a program by its {@link ErrorKind}.
 *
 * Every package derives its own class with a closed table of codes and their kinds. Message, subject and hint are redacted on
 * construction, so key material that slipped into them never leaves the process. It does not redact `cause`: renderers
 * print a cause only through {@link describeError}. Bugs throw plain `Error` instead.
 */
export class RecoveryError<C extends string = ErrorCode> extends Error {
  readonly code: C;
  readonly kind: ErrorKind;
  readonly subject: string | undefined;
  readonly hint: string | undefined;
  /** The message without its reasons. */
  readonly lead: string;
  /** The reasons, for a list; the message has them too. */
  readonly reasons: readonly string[];

  constructor(details: RecoveryErrorDetails<C>, kinds: Readonly<Record<C, ErrorKind>>) {
    const lead = redact(details.message);
    const reasons = [...new Set(details.reasons)].map((reason) => redact(reason));
    super(reasons.length === 0 ? lead : `${lead}: ${reasons.join('; ')}`, { cause: details.cause });
    this.lead = lead;
    this.reasons = reasons;
    this.name = new.target.name;
    this.code = details.code;
    this.kind = kinds[details.code];
    this.subject = details.subject === undefined ? undefined : redact(details.subject);
    this.hint = details.hint === undefined ? undefined : redact(details.hint);
  }
}

/** Whether `error` is an expected failure, with one of `codes` when any are given. */
export function isRecoveryError(error: unknown, ...codes: readonly ErrorCode[]): error is RecoveryError {
  if (!(error instanceof RecoveryError)) return false;
  return codes.length === 0 || codes.some((code) => code === error.code);
}

/** Whether `error` is an expected failure of one of `kinds`. */
export function isErrorOfKind(error: unknown, ...kinds: readonly [ErrorKind, ...ErrorKind[]]): error is RecoveryError {
  return error instanceof RecoveryError && kinds.includes(error.kind);
}

/**
 * Whether nothing answered, so that the same request may succeed when it is made again. `uncertain` failures are not among
 * them: the write may have been made.
 */
export function isUnavailable(error: unknown): error is RecoveryError {
  return isErrorOfKind(error, 'unavailable');
}

/**
 * Whether no answer came, be it because nothing answers or because the answer was lost. To be used for what reads before it
 * writes, and for deciding whether a connection is to be opened again.
 */
export function isUnanswered(error: unknown): error is RecoveryError {
  return isErrorOfKind(error, 'unavailable', 'uncertain');
}

/**
 * Whether `error` tells that something is wrong, which a check reports as `blocked`. After every other expected failure nothing
 * is known, which a check reports as `unknown`.
 */
export function isKnownWrong(error: unknown): error is RecoveryError {
  return error instanceof RecoveryError && IS_KNOWN_WRONG[error.kind];
}

/** Formats any failure and its causes as one redacted line: `message (CODE): cause`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`;
  return redact(`${error.message}${code}${cause}`);
}
