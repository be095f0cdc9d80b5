import { RecoveryError } from '@kube-rescue/errors';

export type ManifestErrorCode =
  | 'MANIFEST_DIRECTORY_MISSING'
  | 'MANIFEST_NOT_FOUND'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_TOO_LARGE'
  | 'MANIFEST_DUPLICATE'
  | 'MANIFEST_UNEDITABLE'
  | 'KUBELET_CONFIGURATION_INVALID'
  | 'KUBELET_STILL_RUNNING'
  | 'PODS_STILL_RUNNING'
  | 'API_SERVER_SILENT'
  | 'CHECKPOINT_INVALID'
  | 'CHECKPOINT_COPIES_DIFFER'
  | 'CHECKPOINT_REFUSED';

/** A static pod manifest or the kubelet's own configuration could not be read or edited. */
export class ManifestError extends RecoveryError<ManifestErrorCode> {}
