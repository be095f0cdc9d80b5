import { joinPath } from '@kube-rescue/host';
import { nodeCgroup } from '../machine/lab-directory.ts';
import type { EquippedNode } from '../cluster/node-command.ts';
import {
  CLUSTER_DOMAIN,
  CONTROL_PLANE,
  DNS_SERVICE_ADDRESS,
  ETCD_TLS_DIRECTORY,
  ETCD_URL,
  KUBECONFIG,
  KUBELET_MASTER_LABEL,
  MASTER_LABEL,
  NETWORK_DIRECTORIES,
} from './layout.ts';

export const UNIT_DIRECTORY = '/etc/systemd/system';
export const ETCD_SERVICE = 'etcd-member';

/** The kubelet's unit; the control-plane node registers with its taint. */
export function renderKubeletUnit({ node, binaries }: EquippedNode): string {
  const isControlPlane = node.name === CONTROL_PLANE.name;
  const flags = [
    `--kubeconfig=${KUBECONFIG}`,
    '--pod-manifest-path=/etc/kubernetes/manifests',
    '--client-ca-file=/etc/kubernetes/ca.crt',
    '--anonymous-auth=false',
    '--read-only-port=10255',
    `--cluster-dns=${DNS_SERVICE_ADDRESS}`,
    `--cluster-domain=${CLUSTER_DOMAIN}`,
    '--container-runtime=remote',
    '--container-runtime-endpoint=unix:///run/containerd/containerd.sock',
    `--hostname-override=${node.name}`,
    `--node-ip=${node.address}`,
    ...(isControlPlane
      ? [`--node-labels=${KUBELET_MASTER_LABEL}`, `--register-with-taints=${MASTER_LABEL}=:NoSchedule`]
      : []),
    `--cgroup-root=/${nodeCgroup(node)}`,
    '--fail-swap-on=false',
    // Never evict, even when the machine's disk is full.
    '--eviction-hard=imagefs.available<0%,nodefs.available<0%,nodefs.inodesFree<0%',
    '--image-gc-high-threshold=100',
    '--node-status-update-frequency=2s',
    '--v=2',
  ];
  return `[Unit]
Description=Kubelet via the distribution's binaries
After=network-online.target

[Service]
ExecStartPre=/bin/mkdir --parents /etc/kubernetes/manifests
ExecStartPre=/bin/mkdir --parents ${NETWORK_DIRECTORIES.configuration}
ExecStartPre=/bin/bash -c "grep 'certificate-authority-data' ${KUBECONFIG} | awk '{print $2}' | base64 -d > /etc/kubernetes/ca.crt"
ExecStart=${joinPath(binaries, 'kubelet')} \\
${flags.map((flag) => `  ${quote(flag)}`).join(' \\\n')}
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
`;
}

/** etcd as a service of the control-plane node, with client authentication. */
export function renderEtcdUnit(): string {
  const peer = `https://${CONTROL_PLANE.address}:2380`;
  const flags = [
    `--name=${CONTROL_PLANE.name}`,
    '--data-dir=/var/lib/etcd',
    '--listen-client-urls=https://0.0.0.0:2379',
    `--advertise-client-urls=${ETCD_URL}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${CONTROL_PLANE.name}=${peer}`,
    '--client-cert-auth=true',
    `--trusted-ca-file=${ETCD_TLS_DIRECTORY}/ca.crt`,
    `--cert-file=${ETCD_TLS_DIRECTORY}/server.crt`,
    `--key-file=${ETCD_TLS_DIRECTORY}/server.key`,
    '--peer-client-cert-auth=true',
    `--peer-trusted-ca-file=${ETCD_TLS_DIRECTORY}/ca.crt`,
    `--peer-cert-file=${ETCD_TLS_DIRECTORY}/peer.crt`,
    `--peer-key-file=${ETCD_TLS_DIRECTORY}/peer.key`,
    '--logger=zap',
    // The gateway would use the server certificate as a client certificate, which it is not.
    '--enable-grpc-gateway=false',
  ];
  return `[Unit]
Description=etcd (System Application Container)
After=network-online.target

[Service]
ExecStart=/usr/bin/etcd \\
${flags.map((flag) => `  ${quote(flag)}`).join(' \\\n')}
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
`;
}

function quote(flag: string): string {
  return /[<]/.test(flag) ? `"${flag}"` : flag;
}
