import { type ErrorCode, isRecoveryError } from '@kube-rescue/errors';
import { EXIT, type ExitCode } from 'kube-rescue/command-line';

/** Exit statuses of codes that differ from those of their kind. */
const EXIT_BY_CODE: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  DRILL_PROOF_FAILED: EXIT.problems,
  LAB_BUILD_FAILED: EXIT.problems,
  LAB_COMMAND_FAILED: EXIT.problems,
  LAB_DEADLINE_PASSED: EXIT.problems,
  LAB_NOT_REMOVED: EXIT.rollbackIncomplete,
};

/** The exit status of a failed drill; `undefined` when every other command has the same. */
export function drillExitOf(error: unknown): ExitCode | undefined {
  return isRecoveryError(error) ? EXIT_BY_CODE[error.code] : undefined;
}
