import { type ErrorCode, type ErrorKind, isRecoveryError } from '@kube-rescue/errors';

/** Exit statuses. */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  problems: 3,
  refused: 4,
  rolledBack: 5,
  rollbackIncomplete: 6,
  notVerified: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table in help and README. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'healthy, or done'],
  [EXIT.bug, 'a bug of kube-rescue'],
  [EXIT.usage, 'wrong usage; nothing was changed'],
  [EXIT.problems, 'problems found, or changes pending'],
  [EXIT.refused, 'refused; nothing was changed'],
  [EXIT.rolledBack, 'failed; every change was rolled back'],
  [EXIT.rollbackIncomplete, 'failed, and some changes were not rolled back: the operator must act'],
  [EXIT.notVerified, 'changed, but not verified, or waiting for other control-plane nodes'],
  [EXIT.interrupted, 'interrupted'],
];

/** Exit status of each kind of failure, as long as nothing was written. */
const EXIT_BY_KIND: Readonly<Record<ErrorKind, ExitCode>> = {
  unavailable: EXIT.refused,
  uncertain: EXIT.refused,
  conflict: EXIT.refused,
  unreadable: EXIT.refused,
  denied: EXIT.refused,
  missing: EXIT.refused,
  invalid: EXIT.refused,
  unsupported: EXIT.refused,
  blocked: EXIT.refused,
  refused: EXIT.refused,
  usage: EXIT.usage,
  interrupted: EXIT.interrupted,
  failed: EXIT.refused,
};

/** Codes with a separate exit status: outcomes of runs. */
const EXIT_BY_CODE: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  DNS_CREDENTIALS_UNREADABLE: EXIT.usage,
  APPLY_ROLLED_BACK: EXIT.rolledBack,
  ROLLBACK_INCOMPLETE: EXIT.rollbackIncomplete,
  RUN_CUT_OFF: EXIT.rollbackIncomplete,
  LEFT_INCOMPLETE: EXIT.rollbackIncomplete,
  NOT_VERIFIED: EXIT.notVerified,
  WAITING_FOR_OTHERS: EXIT.notVerified,
};

/** Errors that prompts and Node itself throw when the operator or a signal stops them. */
const INTERRUPTIONS: readonly string[] = ['AbortError', 'ExitPromptError', 'AbortPromptError'];

/** Exit status of a failure: by its code, else by its kind; a bug for every unexpected error. */
export function exitCodeFor(error: unknown): ExitCode {
  if (isRecoveryError(error)) return EXIT_BY_CODE[error.code] ?? EXIT_BY_KIND[error.kind];
  if (!(error instanceof Error)) return EXIT.bug;
  if (INTERRUPTIONS.includes(error.name)) return EXIT.interrupted;
  return isUsageError(error) ? EXIT.usage : EXIT.bug;
}

/** Whether the exit status of this failure claims that nothing was changed. */
export function claimsNothingChanged(error: unknown): boolean {
  const exit = exitCodeFor(error);
  return exit === EXIT.refused || exit === EXIT.usage;
}

/** Errors of oclif's parser have the property `oclif`; no other errors of oclif reach this function. */
export function isUsageError(error: Error): boolean {
  return 'oclif' in error;
}
