/** The release that Debian 12 carries as source (package `kubernetes`). */
export const KUBERNETES_VERSION = 'v1.20.2';

/** What a lab cluster runs, by the name of its command in the Kubernetes source. */
export const KUBERNETES_BINARIES: readonly string[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubeadm',
  'kubectl',
  'kubelet',
];
