import { RecoveryError } from '@kube-rescue/errors';

export type CniErrorCode =
  | 'CNI_PLUGIN_UNKNOWN'
  | 'CNI_PLUGIN_AMBIGUOUS'
  | 'CNI_PLUGIN_NOT_BOOTSTRAPPABLE'
  | 'CNI_PLUGIN_BINARY_MISSING'
  | 'CNI_FOLDERS_UNREADABLE'
  | 'CNI_CONFIG_SHADOWED'
  | 'CNI_CONFIG_INVALID'
  | 'CNI_CONFIG_MAP_MISSING'
  | 'CNI_DAEMON_INVALID'
  | 'CNI_NET_CONF_INVALID'
  | 'CNI_BACKEND_UNKNOWN'
  | 'CNI_NODE_NOT_FOUND'
  | 'CNI_POD_CIDR_MISSING'
  | 'CNI_POD_CIDR_INVALID'
  | 'CNI_POD_CIDR_OUTSIDE'
  | 'CNI_POD_CIDR_TOO_SMALL'
  | 'CNI_LINK_UNKNOWN'
  | 'CNI_MTU_TOO_SMALL'
  | 'CNI_FLANNEL_ETCD_MODE';

/** What the network plugin needs cannot be derived. */
export class CniError extends RecoveryError<CniErrorCode> {}
