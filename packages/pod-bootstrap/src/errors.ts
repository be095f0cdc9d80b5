import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const POD_ERRORS = {
  POD_CONTROLLER_NOT_FOUND: 'missing',
  POD_CONTROLLER_UNSUPPORTED: 'usage',
  POD_TEMPLATE_INVALID: 'invalid',
  POD_NEEDS_API_SERVER: 'blocked',
  POD_NODE_NOT_FOUND: 'missing',
  POD_NODE_NOT_REPORTING: 'blocked',
  POD_NAME_TAKEN: 'conflict',
  POD_PORT_TAKEN: 'conflict',
  POD_SERVICE_ACCOUNT_MISSING: 'missing',
  POD_VOLUME_MISSING: 'missing',
  POD_CLAIM_MISSING: 'missing',
  POD_STILL_NEEDED: 'refused',
  POD_NOT_STARTED: 'failed',
  POD_REJECTED: 'refused',
  POD_NETWORK_NOT_READY: 'blocked',
  POD_IMAGE_UNAVAILABLE: 'missing',
  POD_SERVICE_ROUTES_MISSING: 'missing',
  POD_CA_OUTDATED: 'invalid',
  POD_TOKEN_REFUSED: 'denied',
  POD_API_UNREACHABLE: 'unavailable',
  POD_CRASHING: 'failed',
  POD_NOT_READY: 'failed',
  POD_NOT_WORKING: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type PodErrorCode = keyof typeof POD_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'pod-bootstrap': typeof POD_ERRORS;
  }
}

/** A pod could not be created, run or removed. */
export class PodError extends RecoveryError<PodErrorCode> {
  constructor(details: RecoveryErrorDetails<PodErrorCode>) {
    super(details, POD_ERRORS);
  }
}
