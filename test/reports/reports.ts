import type { Node } from '@kube-rescue/node';
import { LEAF_NAMES, type PkiOptions } from '@kube-rescue/testing';
import {
  anotherPki,
  copyOf,
  edit,
  MANIFESTS,
  openedAt,
  pairFiles,
  PKI,
  pkiOf,
  signLeaf,
  textOf,
  withFiles,
} from '../verdicts/machine.ts';

/** A public report of a cluster that had to be rescued, and what a triage of its machine must say. */
export interface Report {
  readonly address: string;
  /** What the reporter's machine was like. */
  readonly state: string;
  readonly build: () => Promise<Node>;
  /** The code of the first cause. */
  readonly code: string;
  /** Words of the first cause: its summary, evidence or hint. */
  readonly says: readonly string[];
  /** Words that no cause may have. */
  readonly never?: readonly string[];
}

const KUBELET_PEM = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const RECOVER = 'kube-rescue recover';

const expired =
  (...names: NonNullable<PkiOptions['expired']>) =>
  async () =>
    copyOf((await pkiOf({ expired: names })).tree);

/** Rebuilt from the threads in our own words; files and certificates are our own. */
export const REPORTS: readonly Report[] = [
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/56626',
    state: "kubeadm's serving certificate of the API server has expired",
    build: expired('apiserver', 'apiserver-kubelet-client'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['every client refuses the API server', 'no logs, no exec', RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/107489',
    state: 'the kubelet does not start: its active client certificate has expired',
    build: expired('kubelet-client'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: [KUBELET_PEM, 'the kubelet does not start', RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/78382',
    state:
      'everything below pki was renewed, and the kubelet still says expired: kubelet.conf embeds the old certificate',
    build: async () => {
      const { tree } = await pkiOf();
      const { certificate, key } = (await pkiOf({ expired: ['kubelet-client'] })).pairs['kubelet-client'];
      const inBase64 = (pem: string): string => Buffer.from(pem).toString('base64');
      return copyOf(
        edit(tree, '/etc/kubernetes/kubelet.conf', (text) =>
          text
            .replace(/client-certificate: .*/, `client-certificate-data: ${inBase64(certificate)}`)
            .replace(/client-key: .*/, `client-key-data: ${inBase64(key)}`),
        ),
      );
    },
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['/etc/kubernetes/kubelet.conf', 'the kubelet does not start'],
  },
  {
    address: 'https://github.com/kubernetes/kubeadm/issues/1651',
    state: 'an upgrade stops at the expired client certificate of the API server for etcd',
    build: expired('apiserver-etcd-client', 'etcd/healthcheck-client'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['etcd refuses the API server', 'health checks of etcd fail', RECOVER],
  },
  {
    address: 'https://github.com/kubernetes-sigs/metrics-server/issues/1059',
    state: 'the metrics server cannot authenticate the API server: the front-proxy client certificate has expired',
    build: expired('front-proxy-client'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['front proxy client certificate', 'extension API servers refuse the API server', RECOVER],
  },
  {
    address: 'https://github.com/apache/cloudstack/issues/9418',
    state: 'every certificate of a control-plane node has expired at once, the CAs have not',
    build: expired(...LEAF_NAMES),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['11 certificates expired', 'kubectl does not work on this node', RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubeadm/issues/1826',
    state: 'the files of pki were renewed, admin.conf and the controllers were not',
    build: expired('admin.conf', 'controller-manager.conf', 'scheduler.conf'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['3 certificates expired', '/etc/kubernetes/admin.conf', RECOVER],
    never: [`${PKI}/apiserver.crt`],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/20381',
    state: 'after a renewal no replica set and no pod is made: the controller manager has no valid credentials',
    build: expired('controller-manager.conf'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['/etc/kubernetes/controller-manager.conf', 'nothing is created or replaced'],
  },
  {
    address: 'https://github.com/kubernetes/kubeadm/issues/2852',
    state: 'a renewal stops at the external CA: its key is not on the node, and the leaves have expired',
    build: async () => copyOf((await pkiOf({ expired: LEAF_NAMES, missingCaKeys: ['ca'] })).tree),
    code: 'PKI_CA_KEY_MISSING',
    says: ['6 certificates cannot be renewed', 'kube-rescue certs csr export', 'kube-rescue certs csr import'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/etcd-io/etcd/issues/15740',
    state:
      "etcd's certificates of the first control-plane node were copied to the others: its addresses are not theirs",
    build: async () => {
      const { tree, pairs } = await pkiOf();
      const names = 'DNS:host1,DNS:localhost,IP:192.0.2.1,IP:127.0.0.1';
      const pair = await signLeaf(pairs['etcd/ca'], '/CN=host1', { usage: 'serverAuth,clientAuth', names });
      return copyOf(withFiles(tree, { ...pairFiles('etcd/server', pair), ...pairFiles('etcd/peer', pair) }));
    },
    code: 'PKI_NAME_MISSING',
    says: ['10.9.0.11', 'etcd members refuse each other'],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/127538',
    state: 'certificate and key of the aggregator do not belong together: the API server reloads them again and again',
    build: async () => copyOf((await pkiOf({ wrongKey: ['front-proxy-client'] })).tree),
    code: 'PKI_KEY_MISMATCH',
    says: ['front-proxy-client.key', '--new-keys'],
  },
  {
    address: 'https://github.com/kubernetes/minikube/issues/4835',
    state: 'apiserver-kubelet-client.crt is of another CA of the same name',
    build: async () => {
      const { tree } = await pkiOf();
      const subject = '/O=system:masters/CN=kube-apiserver-kubelet-client';
      const pair = await signLeaf((await anotherPki()).pairs.ca, subject, { usage: 'clientAuth' });
      return copyOf(withFiles(tree, pairFiles('apiserver-kubelet-client', pair)));
    },
    code: 'PKI_CHAIN_BROKEN',
    says: ['not signed by the cluster CA', 'kubelets refuse the API server', RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/61577',
    state: 'the kubelet does not start: ca.crt is not there',
    build: async () => copyOf(withFiles((await pkiOf()).tree, { [`${PKI}/ca.crt`]: undefined })),
    code: 'PKI_CA_MISSING',
    says: [`${PKI}/ca.crt`, 'the file is missing'],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/34956',
    state: 'the certificate files have 0 bytes after a restart',
    build: async () => copyOf(withFiles((await pkiOf()).tree, { [`${PKI}/apiserver.crt`]: '' })),
    code: 'PKI_CERTIFICATE_LOST',
    says: [`${PKI}/apiserver.crt`, 'empty'],
  },
  {
    address: 'https://github.com/kubernetes/kubernetes/issues/69973',
    state: "the kubelet's certificates were deleted, and kubelet.conf names kubelet-client-current.pem",
    build: async () => {
      const { tree } = await pkiOf();
      return copyOf(new Map([...tree].filter(([path]) => !path.startsWith('/var/lib/kubelet/pki/'))));
    },
    code: 'PKI_CERTIFICATE_LOST',
    says: [KUBELET_PEM, 'the kubelet does not start'],
  },
  {
    address: 'https://github.com/cookeem/kubeadm-ha/issues/44',
    state: 'a new cluster says expired or not yet valid: the clock is behind the CA',
    build: async () => {
      const { host } = copyOf((await pkiOf()).tree);
      return openedAt(host, new Date('2018-11-30T03:00:00Z'));
    },
    code: 'PKI_CLOCK_BEFORE_CA',
    says: ['clock'],
    never: [RECOVER],
  },
  {
    address: 'https://github.com/kubernetes/kubeadm/issues/649',
    state: 'an old cluster of one year: certificates of the API server alone, clients in kubeconfigs are good',
    build: expired('apiserver'),
    code: 'PKI_CERTIFICATE_EXPIRED',
    says: ['API server serving certificate', `${PKI}/apiserver.crt`, RECOVER],
    never: ['admin.conf'],
  },
  {
    address: 'https://github.com/kubernetes-sigs/kubespray/issues/4693',
    state: 'a worker that cannot join: the CA of its kubelet is not where the configuration says',
    build: async () => {
      const { tree } = await pkiOf({ expired: ['kubelet-client'] });
      const config = textOf(tree, '/var/lib/kubelet/config.yaml').replaceAll(PKI, '/etc/kubernetes/ssl');
      const kubelet = [...tree].filter(
        ([path]) => path.startsWith('/var/lib/kubelet/') || path === '/etc/kubernetes/kubelet.conf',
      );
      const files = { '/var/lib/kubelet/config.yaml': config, [`${MANIFESTS}/.kubelet-keep`]: '' };
      return copyOf(withFiles(new Map(kubelet), files));
    },
    code: 'FLAG_FILE_MISSING',
    says: ['kubelet cannot start', '/etc/kubernetes/ssl/ca.crt', 'does not exist'],
    never: [RECOVER, 'ca.key'],
  },
];
