/** The release that Debian 12 carries as source (package `kubernetes`). */
export const KUBERNETES_VERSION = 'v1.20.2';

/** The Kubernetes programs of a lab cluster, by the names of their commands in the Kubernetes source. */
export const KUBERNETES_BINARIES: readonly string[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubeadm',
  'kubectl',
  'kubelet',
];
