/**
 * The first minor version without a flag that earlier kubelets had, and the first one with a flag that earlier kubelets lack.
 *
 * From the flags that each version registers: `cmd/kubelet/app/options/options.go`, `globalflags_linux.go` and
 * `pkg/kubelet/config/flags.go` of Kubernetes 1.20, and of each minor version from 1.23 to 1.37; for those of klog
 * `staging/src/k8s.io/component-base/logs/logs.go` of 1.25 and 1.26. A flag that went in 1.21 or 1.22 stands under 1.23.
 */
const REMOVED: Readonly<Record<number, readonly string[]>> = {
  23: [
    ...['chaos-chance', 'enable-cadvisor-json-endpoints', 'experimental-bootstrap-kubeconfig'],
    ...['redirect-container-streaming', 'seccomp-profile-root'],
  ],
  24: [
    ...['cni-bin-dir', 'cni-cache-dir', 'cni-conf-dir', 'docker-endpoint', 'docker-root', 'dynamic-config-dir'],
    ...['experimental-check-node-capabilities-before-mount', 'experimental-dockershim-root-directory'],
    ...['image-pull-progress-deadline', 'network-plugin', 'network-plugin-mtu', 'non-masquerade-cidr'],
    'really-crash-for-testing',
  ],
  25: ['experimental-kernel-memcg-notification'],
  26: [
    ...['add-dir-header', 'alsologtostderr', 'log-backtrace-at', 'log-dir', 'log-file', 'log-file-max-size'],
    ...['logtostderr', 'one-output', 'skip-headers', 'skip-log-headers', 'stderrthreshold'],
  ],
  27: ['container-runtime', 'master-service-namespace'],
  30: ['azure-container-registry-config'],
  31: ['iptables-drop-bit', 'iptables-masquerade-bit', 'keep-terminated-pod-volumes'],
  34: ['cloud-config', 'register-schedulable'],
  35: ['pod-infra-container-image'],
};
const ADDED: Readonly<Record<number, readonly string[]>> = {
  25: ['local-storage-capacity-isolation'],
  26: ['topology-manager-policy-options'],
  28: ['config-dir'],
  31: ['fail-cgroupv1'],
};

/** Whether a kubelet of 1.`minor` lacks a flag, and why; `undefined` when it has the flag, or this is not known. */
export function whyUnknown(flag: string, minor: number): string | undefined {
  const removed = versionWith(REMOVED, flag);
  if (removed !== undefined && minor >= removed) return `removed in 1.${removed}`;
  const added = versionWith(ADDED, flag);
  return added !== undefined && minor < added ? `new in 1.${added}` : undefined;
}

function versionWith(history: typeof REMOVED, flag: string): number | undefined {
  const entry = Object.entries(history).find(([, flags]) => flags.includes(flag));
  return entry === undefined ? undefined : Number(entry[0]);
}
