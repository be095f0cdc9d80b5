import { RecoveryError } from '@kube-rescue/errors';

export type NodeErrorCode =
  | 'NODE_NOT_FOUND'
  | 'LAYOUT_UNKNOWN'
  | 'LAYOUT_UNSUPPORTED'
  | 'CERTIFICATES_BLOCKED'
  | 'MANIFEST_UNKNOWN'
  | 'NODE_NOT_LIVE'
  | 'ENCRYPTION_UNREADABLE'
  | 'API_SERVER_UNKNOWN';

/** This machine, or the folder given as its copy, is not a node that can be recovered. */
export class NodeError extends RecoveryError<NodeErrorCode> {}
