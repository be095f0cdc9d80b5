import { CA_NAMES, createFakeHost, LEAF_NAMES } from '@kube-rescue/testing';
import { copyOf, edit, type Machine, openedAt, pkiOf, textOf, withFiles } from '../machine.ts';

const KUBELET_CONF = '/etc/kubernetes/kubelet.conf';

/** Dates: of leaves, of CAs and of the clock. */
export const DATES: readonly Machine[] = [
  {
    title: 'A good node',
    broken: 'Nothing is broken.',
    build: async () => copyOf((await pkiOf()).tree),
  },
  {
    title: 'Every certificate expired yesterday',
    broken: 'The leaves of kubeadm have expired after a year; the CAs and their keys are good.',
    build: async () => copyOf((await pkiOf({ expired: LEAF_NAMES })).tree),
  },
  {
    title: "Only etcd's certificates have expired",
    broken: "An upgrade renewed everything but etcd's server and peer certificates.",
    build: async () => copyOf((await pkiOf({ expired: ['etcd/server', 'etcd/peer'] })).tree),
  },
  {
    title: "The API server's client certificate for etcd has expired",
    broken: 'etcd refuses the API server.',
    build: async () => copyOf((await pkiOf({ expired: ['apiserver-etcd-client'] })).tree),
  },
  {
    title: 'The front-proxy client certificate has expired',
    broken: 'The metrics server and other extension API servers refuse the API server.',
    build: async () => copyOf((await pkiOf({ expired: ['front-proxy-client'] })).tree),
  },
  {
    title: 'Only kubeconfigs have expired',
    broken: 'The certificates in pki were renewed; admin.conf, controller-manager.conf and scheduler.conf were not.',
    build: async () =>
      copyOf((await pkiOf({ expired: ['admin.conf', 'controller-manager.conf', 'scheduler.conf'] })).tree),
  },
  {
    title: "The kubelet's client certificate has expired",
    broken: 'The node was off while its kubelet should have renewed it.',
    build: async () => copyOf((await pkiOf({ expired: ['kubelet-client'] })).tree),
  },
  {
    title: 'kubelet.conf holds an old certificate',
    broken: 'kubelet-client-current.pem is good, but kubelet.conf embeds the first certificate, which has expired.',
    build: async () => {
      const { tree } = await pkiOf();
      const { certificate, key } = (await pkiOf({ expired: ['kubelet-client'] })).pairs['kubelet-client'];
      const inBase64 = (pem: string): string => Buffer.from(pem).toString('base64');
      return copyOf(
        edit(tree, KUBELET_CONF, (text) =>
          text
            .replace(/client-certificate: .*/, `client-certificate-data: ${inBase64(certificate)}`)
            .replace(/client-key: .*/, `client-key-data: ${inBase64(key)}`),
        ),
      );
    },
  },
  {
    title: 'The cluster CA has expired',
    broken: 'After ten years; its key is on the node.',
    build: async () => copyOf((await pkiOf({ expired: ['ca'] })).tree),
  },
  {
    title: 'Every CA and every certificate has expired',
    broken: 'The keys of the CAs are on the node.',
    build: async () => copyOf((await pkiOf({ expired: [...CA_NAMES, ...LEAF_NAMES] })).tree),
  },
  {
    title: 'The certificates begin tomorrow',
    broken: 'They were issued while the clock of this machine was a day ahead.',
    build: async () => copyOf((await pkiOf({ notYetValid: LEAF_NAMES })).tree),
  },
  {
    title: 'The clock is years behind',
    broken: 'The battery of the clock is empty: the machine believes that it is 2010.',
    build: async () => {
      const host = createFakeHost({ tree: (await pkiOf()).tree });
      return openedAt({ ...host, kind: 'copy' }, new Date('2010-01-01T00:00:00Z'));
    },
  },
  {
    title: 'The copies of admin.conf at home have expired',
    broken: 'admin.conf was renewed; /root/.kube/config is a copy of the old one.',
    build: async () => {
      const { tree } = await pkiOf();
      const old = textOf((await pkiOf({ expired: ['admin.conf'] })).tree, '/etc/kubernetes/admin.conf');
      return copyOf(withFiles(tree, { '/root/.kube/config': old, '/home/ops/.kube/config': old }));
    },
  },
];
