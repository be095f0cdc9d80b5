import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** What each code of this package means. */
export const NODE_ERRORS = {
  NODE_NOT_FOUND: 'missing',
  LAYOUT_UNKNOWN: 'unsupported',
  LAYOUT_UNSUPPORTED: 'unsupported',
  CERTIFICATES_BLOCKED: 'blocked',
  MANIFEST_UNKNOWN: 'usage',
  NODE_NOT_LIVE: 'unsupported',
  ENCRYPTION_UNREADABLE: 'unreadable',
  API_SERVER_UNKNOWN: 'unavailable',
  CLOCK_CONTRADICTED: 'blocked',
  CLOCK_UNCONFIRMED: 'blocked',
  QUORUM_LOSS: 'blocked',
} as const satisfies Record<string, ErrorKind>;

export type NodeErrorCode = keyof typeof NODE_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    node: typeof NODE_ERRORS;
  }
}

/** This machine, or the directory given as its copy, is not a node that can be recovered. */
export class NodeError extends RecoveryError<NodeErrorCode> {
  constructor(details: RecoveryErrorDetails<NodeErrorCode>) {
    super(details, NODE_ERRORS);
  }
}
