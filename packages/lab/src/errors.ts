import { RecoveryError } from '@kube-rescue/errors';

export type LabErrorCode =
  | 'LAB_MACHINE_UNSUPPORTED'
  | 'LAB_NOT_ROOT'
  | 'LAB_PACKAGES_MISSING'
  | 'LAB_PACKAGES_NOT_INSTALLED'
  | 'LAB_NO_SPACE'
  | 'LAB_BUSY'
  | 'LAB_BUILD_FAILED'
  | 'LAB_COMMAND_FAILED'
  | 'LAB_DEADLINE_PASSED'
  | 'LAB_NOT_REMOVED';

/** A throwaway cluster could not be made, broken, judged or removed. */
export class LabError extends RecoveryError<LabErrorCode> {}
