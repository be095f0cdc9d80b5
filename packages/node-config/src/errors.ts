import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const NODE_CONFIG_ERRORS = {
  MANIFEST_DIRECTORY_MISSING: 'missing',
  MANIFEST_NOT_FOUND: 'missing',
  MANIFEST_INVALID: 'invalid',
  MANIFEST_TOO_LARGE: 'invalid',
  MANIFEST_DUPLICATE: 'conflict',
  MANIFEST_PASSED_OVER: 'invalid',
  KUBELET_CONFIGURATION_INVALID: 'invalid',
  CONFIGURATION_INVALID: 'invalid',
  CONFIGURATION_UNSUPPORTED: 'unsupported',
  PKI_KUBECONFIG_INVALID: 'invalid',
  PKI_CERTIFICATE_MISSING: 'missing',
  PKI_KEY_MISSING: 'missing',
  PKI_CA_MISSING: 'missing',
  PKI_CA_KEY_MISSING: 'missing',
} as const satisfies Record<string, ErrorKind>;

export type NodeConfigErrorCode = keyof typeof NODE_CONFIG_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'node-config': typeof NODE_CONFIG_ERRORS;
  }
}

/** A configuration file of a node could not be read. */
export class NodeConfigError extends RecoveryError<NodeConfigErrorCode> {
  constructor(details: RecoveryErrorDetails<NodeConfigErrorCode>) {
    super(details, NODE_CONFIG_ERRORS);
  }
}
