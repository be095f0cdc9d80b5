import { isRecoveryError } from '@kube-rescue/errors';

/** What the exit status says about the cluster. */
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

/** The table that help and README print. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'healthy, or done'],
  [EXIT.bug, 'a bug of kube-rescue'],
  [EXIT.usage, 'wrong usage; nothing was changed'],
  [EXIT.problems, 'problems found, or changes pending'],
  [EXIT.refused, 'refused; nothing was changed'],
  [EXIT.rolledBack, 'failed; every change was taken back'],
  [EXIT.rollbackIncomplete, 'failed, and not everything was taken back: a person must act'],
  [EXIT.notVerified, 'changed, but the effect was not verified'],
  [EXIT.interrupted, 'interrupted'],
];

/** Every code that does not mean "refused, nothing was changed". */
const EXIT_BY_CODE: Readonly<Record<string, ExitCode>> = {
  USAGE: EXIT.usage,
  CONFIRMATION_REQUIRED: EXIT.usage,
  PLAN_FILE_INVALID: EXIT.usage,
  HOST_PATH_INVALID: EXIT.usage,
  RUN_NOT_FOUND: EXIT.usage,
  MANIFEST_UNKNOWN: EXIT.usage,
  PKI_CERTIFICATE_UNKNOWN: EXIT.usage,
  PKI_LIFETIME_INVALID: EXIT.usage,
  PKI_NAME_INVALID: EXIT.usage,
  OBJECT_KIND_UNKNOWN: EXIT.usage,
  POD_CONTROLLER_UNSUPPORTED: EXIT.usage,
  ETCD_ENDPOINT_INVALID: EXIT.usage,
  WORKFLOW_STEP_UNKNOWN: EXIT.usage,
  WORKFLOW_REQUIREMENT_SKIPPED: EXIT.usage,
  DNS_CREDENTIALS_NOT_FOUND: EXIT.usage,
  DNS_CREDENTIALS_UNREADABLE: EXIT.usage,
  DRILL_PROOF_FAILED: EXIT.problems,
  LAB_BUILD_FAILED: EXIT.problems,
  LAB_COMMAND_FAILED: EXIT.problems,
  LAB_DEADLINE_PASSED: EXIT.problems,
  LAB_NOT_REMOVED: EXIT.rollbackIncomplete,
  APPLY_ROLLED_BACK: EXIT.rolledBack,
  ROLLBACK_INCOMPLETE: EXIT.rollbackIncomplete,
  RUN_CUT_OFF: EXIT.rollbackIncomplete,
  NOT_VERIFIED: EXIT.notVerified,
  INTERRUPTED: EXIT.interrupted,
};

/** Errors that prompts and Node itself throw when a person or a signal stops them. */
const INTERRUPTIONS: readonly string[] = ['AbortError', 'ExitPromptError', 'AbortPromptError'];

/**
 * The exit status for a failure of any kind. An expected failure whose code is not in the table was refused before
 * anything was changed; an error that nobody expected is a bug.
 */
export function exitCodeFor(error: unknown): ExitCode {
  if (isRecoveryError(error)) return EXIT_BY_CODE[error.code] ?? EXIT.refused;
  if (!(error instanceof Error)) return EXIT.bug;
  if (INTERRUPTIONS.includes(error.name)) return EXIT.interrupted;
  return isUsageError(error) ? EXIT.usage : EXIT.bug;
}

/** oclif marks the errors of its parser, and only those reach us, with a property of its own. */
export function isUsageError(error: Error): boolean {
  return 'oclif' in error;
}
