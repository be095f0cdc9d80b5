import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const RECOVERY_ERRORS = {
  THROWAWAY_PROGRAM_MISSING: 'missing',
  THROWAWAY_NO_MEMORY: 'unsupported',
  THROWAWAY_PORT_TAKEN: 'blocked',
  THROWAWAY_NOT_READY: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type ThrowawayErrorCode = keyof typeof RECOVERY_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    recovery: typeof RECOVERY_ERRORS;
  }
}

/** The throwaway API server could not be started. */
export class ThrowawayError extends RecoveryError<ThrowawayErrorCode> {
  constructor(details: RecoveryErrorDetails<ThrowawayErrorCode>) {
    super(details, RECOVERY_ERRORS);
  }
}
