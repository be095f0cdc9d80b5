/** The layout of the lab's self-hosted cluster: Tectonic 1.8, on Kubernetes 1.20. */

export const CONTROL_PLANE = { name: 'cp1', address: '10.200.0.11' } as const;
export const WORKER = { name: 'node02', address: '10.200.0.12' } as const;

/** A machine outside the cluster: AWS and the public name servers. */
export const OUTSIDE = {
  name: 'outside',
  address: '10.200.0.53',
  parentAddress: '10.200.0.54',
  awsPort: 4566,
  resolverPort: 5353,
} as const;

export const CLUSTER_NAME = 'saturday';
export const BASE_DOMAIN = 'example.test';
/** The API server name in every kubeconfig. */
export const API_NAME = `${CLUSTER_NAME}-api.${BASE_DOMAIN}`;
export const API_URL = `https://${API_NAME}:6443`;
/** A host name of the ingress controller. */
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
 * The label that the control plane's kubelet sets on its Node, as in bootkube since Kubernetes 1.16: a kubelet may no longer
 * set roles, and without an API server it knows only its own labels. A checkpoint that selects another label would not
 * start.
 */
export const KUBELET_MASTER_LABEL = 'node.kubernetes.io/master';

/** On every node: the kubeconfig of the kubelet, kube-proxy and the administrator. */
export const KUBECONFIG = '/etc/kubernetes/kubeconfig';
export const ETCD_TLS_DIRECTORY = '/etc/ssl/etcd';
export const ENCRYPTION_CONFIG = '/etc/kubernetes/encryption/config.yaml';
/** The mount path of a component's Secret. */
export const SECRETS_DIRECTORY = '/etc/kubernetes/secrets';
export const NETWORK_DIRECTORIES = { binaries: '/opt/cni/bin', configuration: '/etc/kubernetes/cni/net.d' } as const;
/** The user of the API server, which is in root's group. */
export const API_SERVER_UID = 65_534;
