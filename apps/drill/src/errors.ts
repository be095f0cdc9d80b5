import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const DRILL_ERRORS = {
  DRILL_UNSUPPORTED: 'unsupported',
  DRILL_PROOF_FAILED: 'failed',
  DRILL_PROGRAM_UNUSABLE: 'unsupported',
} as const satisfies Record<string, ErrorKind>;

export type DrillErrorCode = keyof typeof DRILL_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    drill: typeof DRILL_ERRORS;
  }
}

/** A drill cannot run on this machine, or a proof failed. */
export class DrillError extends RecoveryError<DrillErrorCode> {
  constructor(details: RecoveryErrorDetails<DrillErrorCode>) {
    super(details, DRILL_ERRORS);
  }
}
