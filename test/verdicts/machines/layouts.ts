import { treeOf } from '@kube-rescue/testing';
import { copyOf, edit, type Machine, MANIFESTS, pkiOf, withFiles } from '../machine.ts';

/** Machines that are no kubeadm node with etcd of its own. */
export const LAYOUTS: readonly Machine[] = [
  {
    title: 'A worker that was off for a year',
    broken: "The kubelet's client certificate has expired; a worker has no CA key, and must not have one.",
    build: async () => {
      const { tree } = await pkiOf({ expired: ['kubelet-client'] });
      const kept = [...tree].filter(
        ([path]) =>
          path.startsWith('/var/lib/kubelet/') ||
          path === '/etc/kubernetes/kubelet.conf' ||
          path === '/etc/kubernetes/pki/ca.crt',
      );
      // The package of the kubelet makes the directory.
      return copyOf(withFiles(new Map(kept), { [`${MANIFESTS}/.kubelet-keep`]: '' }));
    },
  },
  {
    title: 'etcd on other machines, expired certificates',
    broken: 'Three etcd members of their own; the leaves on this node have expired.',
    build: async () => {
      const { tree } = await pkiOf({
        expired: ['apiserver', 'apiserver-etcd-client', 'admin.conf'],
        missingCaKeys: ['etcd/ca'],
      });
      const servers = 'https://10.9.1.1:2379,https://10.9.1.2:2379,https://10.9.1.3:2379';
      return copyOf(
        withFiles(
          edit(tree, `${MANIFESTS}/kube-apiserver.yaml`, (text) =>
            text.replace('--etcd-servers=https://127.0.0.1:2379', `--etcd-servers=${servers}`),
          ),
          { [`${MANIFESTS}/etcd.yaml`]: undefined },
        ),
      );
    },
  },
  distribution('k3s', '/etc/rancher/k3s/k3s.yaml'),
  distribution('RKE2', '/etc/rancher/rke2/rke2.yaml'),
  distribution('MicroK8s', '/var/snap/microk8s/current/certs/ca.crt'),
  {
    title: 'No node at all',
    broken: 'kube-rescue runs on a machine without Kubernetes.',
    build: async () => copyOf(treeOf({ '/etc/os-release': 'ID=debian\n' })),
  },
];

function distribution(name: string, sign: string): Machine {
  return {
    title: `A node of ${name}`,
    broken: `${name} keeps its certificates in its own way, and they have expired.`,
    build: async () => copyOf(treeOf({ [sign]: 'x\n' })),
  };
}
