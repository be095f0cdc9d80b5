import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const MANIFEST_ERRORS = {
  MANIFEST_DIRECTORY_MISSING: 'missing',
  MANIFEST_NOT_FOUND: 'missing',
  MANIFEST_INVALID: 'invalid',
  MANIFEST_TOO_LARGE: 'invalid',
  MANIFEST_DUPLICATE: 'conflict',
  MANIFEST_UNEDITABLE: 'unsupported',
  KUBELET_CONFIGURATION_INVALID: 'invalid',
  KUBELET_STILL_RUNNING: 'blocked',
  PODS_STILL_RUNNING: 'blocked',
  API_SERVER_NOT_ANSWERING: 'unavailable',
  CHECKPOINT_INVALID: 'invalid',
  CHECKPOINT_COPIES_DIFFER: 'conflict',
  CHECKPOINT_REFUSED: 'refused',
} as const satisfies Record<string, ErrorKind>;

export type ManifestErrorCode = keyof typeof MANIFEST_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'static-manifests': typeof MANIFEST_ERRORS;
  }
}

/** A static pod manifest or the kubelet's configuration could not be read or edited. */
export class ManifestError extends RecoveryError<ManifestErrorCode> {
  constructor(details: RecoveryErrorDetails<ManifestErrorCode>) {
    super(details, MANIFEST_ERRORS);
  }
}
