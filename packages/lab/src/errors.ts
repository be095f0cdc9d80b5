import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const LAB_ERRORS = {
  LAB_MACHINE_UNSUPPORTED: 'unsupported',
  LAB_NOT_ROOT: 'denied',
  LAB_PACKAGES_MISSING: 'missing',
  LAB_PACKAGES_NOT_INSTALLED: 'refused',
  LAB_NO_SPACE: 'blocked',
  LAB_KUBERNETES_MISSING: 'missing',
  LAB_BUSY: 'blocked',
  LAB_BUILD_FAILED: 'failed',
  LAB_COMMAND_FAILED: 'failed',
  LAB_DEADLINE_PASSED: 'failed',
  LAB_NOT_REMOVED: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type LabErrorCode = keyof typeof LAB_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    lab: typeof LAB_ERRORS;
  }
}

/** A throwaway cluster could not be created, broken, inspected or removed. */
export class LabError extends RecoveryError<LabErrorCode> {
  constructor(details: RecoveryErrorDetails<LabErrorCode>) {
    super(details, LAB_ERRORS);
  }
}
