import { copyOf, edit, liveNode, type Machine, MANIFESTS, PKI, pkiOf, withFiles } from '../machine.ts';

const API_SERVER = `${MANIFESTS}/kube-apiserver.yaml`;

/** Flags, names and addresses. */
export const CONFIGURATION: readonly Machine[] = [
  {
    title: 'A file of a flag is missing',
    broken: '--encryption-provider-config names a file that is not there.',
    build: async () =>
      copyOf(
        edit((await pkiOf()).tree, API_SERVER, (text) =>
          text.replace(
            '    - --secure-port',
            `    - --encryption-provider-config=${PKI}/enc.yaml\n    - --secure-port`,
          ),
        ),
      ),
  },
  {
    title: 'A file of a flag is not mounted',
    broken: '--audit-policy-file names a file of the node that no volume of the pod mounts.',
    build: async () =>
      copyOf(
        withFiles(
          edit((await pkiOf()).tree, API_SERVER, (text) =>
            text.replace(
              '    - --secure-port',
              '    - --audit-policy-file=/etc/kubernetes/audit.yaml\n    - --secure-port',
            ),
          ),
          { '/etc/kubernetes/audit.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n' },
        ),
      ),
  },
  {
    title: 'The address was changed in the manifests',
    broken: 'The machine moved to 10.9.0.77, and the manifests were edited; the certificates name the old address.',
    build: async () => {
      const { tree } = await pkiOf();
      const moved = ['kube-apiserver', 'etcd'].reduce(
        (files, name) => edit(files, `${MANIFESTS}/${name}.yaml`, (text) => text.replaceAll('10.9.0.11', '10.9.0.77')),
        tree,
      );
      return copyOf(moved);
    },
  },
  {
    title: 'The address is not of this machine',
    broken: 'The machine has 10.9.0.77 since a reboot; manifests, kubeconfigs and certificates name 10.9.0.11.',
    build: async () =>
      liveNode(withFiles((await pkiOf()).tree, { '/proc/net/fib_trie': localAddress('10.9.0.77') }), {
        services: { kubelet: 'running' },
      }),
  },
  {
    title: 'The machine was renamed',
    broken: 'Its name is ctl-a.example.internal now; the certificates are those of node01.',
    build: async () => copyOf(withFiles((await pkiOf()).tree, { '/etc/hostname': 'ctl-a.example.internal\n' })),
  },
  {
    title: 'The renamed machine, with expired certificates',
    broken: 'As above, and everything has expired.',
    build: async () => {
      const { tree } = await pkiOf({ expired: ['apiserver', 'kubelet-client', 'admin.conf'] });
      return copyOf(withFiles(tree, { '/etc/hostname': 'ctl-a.example.internal\n' }));
    },
  },
];

/** `/proc/net/fib_trie` of a machine with one address. */
function localAddress(address: string): string {
  return `Local:\n  +-- 0.0.0.0/0 2 0 2\n        |-- ${address}\n           /32 host LOCAL\n`;
}
