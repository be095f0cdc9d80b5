import { RecoveryError } from '@kube-rescue/errors';

export type NodeConfigErrorCode =
  | 'MANIFEST_DIRECTORY_MISSING'
  | 'MANIFEST_NOT_FOUND'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_TOO_LARGE'
  | 'MANIFEST_DUPLICATE'
  | 'KUBELET_CONFIGURATION_INVALID'
  | 'PKI_KUBECONFIG_INVALID'
  | 'PKI_CERTIFICATE_MISSING'
  | 'PKI_KEY_MISSING'
  | 'PKI_CA_MISSING'
  | 'PKI_CA_KEY_MISSING';

/** A file that says how a node is configured could not be read. */
export class NodeConfigError extends RecoveryError<NodeConfigErrorCode> {}
