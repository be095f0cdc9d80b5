import { RecoveryError } from '@kube-rescue/errors';

/** Why no pod can be cut, or what a pod that does not work is waiting for. */
export type PodErrorCode =
  | 'POD_CONTROLLER_NOT_FOUND'
  | 'POD_CONTROLLER_UNSUPPORTED'
  | 'POD_TEMPLATE_INVALID'
  | 'POD_NEEDS_API_SERVER'
  | 'POD_NODE_NOT_FOUND'
  | 'POD_NODE_DEAD'
  | 'POD_NAME_TAKEN'
  | 'POD_PORT_TAKEN'
  | 'POD_SERVICE_ACCOUNT_MISSING'
  | 'POD_VOLUME_MISSING'
  | 'POD_CLAIM_MISSING'
  | 'POD_STILL_NEEDED'
  | 'POD_NOT_STARTED'
  | 'POD_REJECTED'
  | 'POD_NETWORK_NOT_READY'
  | 'POD_IMAGE_UNAVAILABLE'
  | 'POD_SERVICE_ROUTES_MISSING'
  | 'POD_CA_OUTDATED'
  | 'POD_TOKEN_REFUSED'
  | 'POD_API_UNREACHABLE'
  | 'POD_CRASHING'
  | 'POD_NOT_READY'
  | 'POD_NOT_WORKING';

/** A pod could not be cut, run or removed. */
export class PodError extends RecoveryError<PodErrorCode> {}
