import type { CertificateId } from './catalogue.ts';

/** Subcommands of `kubeadm init phase` that make one file (kubeadm `app/cmd/phases/init/certs.go`, `kubeconfig.go`). */
const PHASES: Readonly<Record<CertificateId, string | undefined>> = {
  'etcd/server': 'certs etcd-server',
  'etcd/peer': 'certs etcd-peer',
  'etcd/healthcheck-client': 'certs etcd-healthcheck-client',
  'apiserver-etcd-client': 'certs apiserver-etcd-client',
  apiserver: 'certs apiserver',
  'apiserver-kubelet-client': 'certs apiserver-kubelet-client',
  'front-proxy-client': 'certs front-proxy-client',
  'admin.conf': 'kubeconfig admin',
  'super-admin.conf': 'kubeconfig super-admin',
  'controller-manager.conf': 'kubeconfig controller-manager',
  'scheduler.conf': 'kubeconfig scheduler',
  'kubelet-client': 'kubeconfig kubelet',
  // The kubelet makes it itself.
  'kubelet-serving': undefined,
};

/** The command of kubeadm that makes a certificate or kubeconfig of its catalogue; `undefined` where kubeadm has none. */
export function kubeadmCommand(id: CertificateId): string | undefined {
  const phase = PHASES[id];
  return phase === undefined ? undefined : `kubeadm init phase ${phase}`;
}
