import { type ErrorKind, RecoveryError, type RecoveryErrorDetails } from '@kube-rescue/errors';

/** Error codes of this package and their kinds. */
export const CNI_ERRORS = {
  CNI_PLUGIN_UNKNOWN: 'missing',
  CNI_PLUGIN_AMBIGUOUS: 'invalid',
  CNI_PLUGIN_NOT_BOOTSTRAPPABLE: 'unsupported',
  CNI_PLUGIN_BINARY_MISSING: 'missing',
  CNI_DIRECTORIES_UNREADABLE: 'unreadable',
  CNI_CONFIG_SHADOWED: 'invalid',
  CNI_CONFIG_INVALID: 'invalid',
  CNI_CONFIG_MAP_MISSING: 'missing',
  CNI_DAEMON_INVALID: 'invalid',
  CNI_NET_CONF_INVALID: 'invalid',
  CNI_BACKEND_UNKNOWN: 'unsupported',
  CNI_NODE_NOT_FOUND: 'missing',
  CNI_POD_CIDR_MISSING: 'missing',
  CNI_POD_CIDR_INVALID: 'invalid',
  CNI_POD_CIDR_OUTSIDE: 'invalid',
  CNI_POD_CIDR_TOO_SMALL: 'invalid',
  CNI_LINK_UNKNOWN: 'missing',
  CNI_MTU_TOO_SMALL: 'invalid',
  CNI_FLANNEL_ETCD_MODE: 'unsupported',
} as const satisfies Record<string, ErrorKind>;

export type CniErrorCode = keyof typeof CNI_ERRORS;

declare module '@kube-rescue/errors' {
  interface ErrorTables {
    'cni-bootstrap': typeof CNI_ERRORS;
  }
}

/** The files of the network plugin cannot be derived. */
export class CniError extends RecoveryError<CniErrorCode> {
  constructor(details: RecoveryErrorDetails<CniErrorCode>) {
    super(details, CNI_ERRORS);
  }
}
