/** What the lab's self-hosted cluster is like: the layout of Tectonic 1.8, on Kubernetes 1.20. */

export const CONTROL_PLANE = { name: 'cp1', address: '10.200.0.11' } as const;
export const WORKER = { name: 'node02', address: '10.200.0.12' } as const;

/** No node: AWS, and the name servers of the world. */
export const OUTSIDE = {
  name: 'outside',
  address: '10.200.0.53',
  parentAddress: '10.200.0.54',
  awsPort: 4566,
  resolverPort: 5353,
} as const;

export const CLUSTER_NAME = 'saturday';
export const BASE_DOMAIN = 'example.test';
/** The name that every kubeconfig asks for. */
export const API_NAME = `${CLUSTER_NAME}-api.${BASE_DOMAIN}`;
export const API_URL = `https://${API_NAME}:6443`;
/** A name that the ingress controller answers for. */
export const SHOP_NAME = `shop.${BASE_DOMAIN}`;
export const ETCD_URL = `https://${CONTROL_PLANE.address}:2379`;

export const POD_NETWORK = '10.2.0.0/16';
export const SERVICE_NETWORK = '10.3.0.0/16';
export const API_SERVICE_ADDRESS = '10.3.0.1';
export const DNS_SERVICE_ADDRESS = '10.3.0.10';
export const CLUSTER_DOMAIN = 'cluster.local';

export const MASTER_LABEL = 'node-role.kubernetes.io/master';
export const WORKER_LABEL = 'node-role.kubernetes.io/node';
/**
 * What the control plane's kubelet calls its Node by itself, as bootkube has it since Kubernetes 1.16: a kubelet may no longer
 * set roles, and while no API server runs it knows no other label. A checkpoint that selects another would not start.
 */
export const KUBELET_MASTER_LABEL = 'node.kubernetes.io/master';

/** On every node: the kubelet's, kube-proxy's and the administrator's alike. */
export const KUBECONFIG = '/etc/kubernetes/kubeconfig';
export const ETCD_TLS_FOLDER = '/etc/ssl/etcd';
export const ENCRYPTION_CONFIG = '/etc/kubernetes/encryption/config.yaml';
/** Where pods find what their Secret holds. */
export const SECRETS_FOLDER = '/etc/kubernetes/secrets';
export const NETWORK_FOLDERS = { binaries: '/opt/cni/bin', configuration: '/etc/kubernetes/cni/net.d' } as const;
/** Who the API server runs as; its files must be readable for this user. */
export const NOBODY = { uid: 65_534, gid: 65_534 } as const;
