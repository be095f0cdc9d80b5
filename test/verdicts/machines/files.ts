import { hostPath } from '@kube-rescue/host';
import { anotherPki, copyOf, edit, type Machine, MANIFESTS, PKI, pkiOf, textOf, withFiles } from '../machine.ts';

const CURRENT_PEM = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const API_SERVER = `${MANIFESTS}/kube-apiserver.yaml`;

/** Files: lost, empty, torn, wrong, or in an odd form. */
export const FILES: readonly Machine[] = [
  {
    title: 'apiserver.crt and apiserver.key are missing',
    broken: 'They were moved away before a renewal that then failed.',
    build: async () =>
      copyOf(
        withFiles((await pkiOf()).tree, { [`${PKI}/apiserver.crt`]: undefined, [`${PKI}/apiserver.key`]: undefined }),
      ),
  },
  {
    title: 'Empty files after a full disk',
    broken: 'apiserver.crt and scheduler.conf have no bytes.',
    build: async () =>
      copyOf(withFiles((await pkiOf()).tree, { [`${PKI}/apiserver.crt`]: '', '/etc/kubernetes/scheduler.conf': '' })),
  },
  {
    title: 'A torn certificate',
    broken: 'etcd/server.crt ends in the middle, after a power failure.',
    build: async () => copyOf(edit((await pkiOf()).tree, `${PKI}/etcd/server.crt`, (text) => text.slice(0, 300))),
  },
  {
    title: 'The key of another certificate',
    broken: 'front-proxy-client.key is not the key of front-proxy-client.crt.',
    build: async () => copyOf((await pkiOf({ wrongKey: ['front-proxy-client'] })).tree),
  },
  {
    title: "The kubelet's certificate leads nowhere",
    broken: 'kubelet-client-current.pem is a link to a file that was deleted.',
    build: async () => {
      const { tree } = await pkiOf();
      const link = tree.get(hostPath(CURRENT_PEM));
      return copyOf(withFiles(tree, { [link?.kind === 'link' ? link.target : '']: undefined }));
    },
  },
  {
    title: 'kubelet.conf and its certificates were deleted',
    broken: 'As a guide for workers says; this is the control-plane node, and nothing can bootstrap it.',
    build: async () => {
      const { tree } = await pkiOf();
      const kept = [...tree].filter(
        ([path]) => !path.startsWith('/var/lib/kubelet/pki/') && path !== '/etc/kubernetes/kubelet.conf',
      );
      return copyOf(new Map(kept));
    },
  },
  {
    title: 'ca.crt is missing',
    broken: 'The cluster CA was deleted; its key, and copies in the kubeconfigs, are there.',
    build: async () => copyOf(withFiles((await pkiOf()).tree, { [`${PKI}/ca.crt`]: undefined })),
  },
  {
    title: 'A certificate with the indentation of its YAML',
    broken: 'apiserver.crt was pasted from a Secret: each line begins with blanks, and Go finds no PEM block.',
    build: async () =>
      copyOf(edit((await pkiOf()).tree, `${PKI}/apiserver.crt`, (text) => text.replace(/^(?=.)/gm, '    '))),
  },
  {
    title: 'Two CAs without a line end between them',
    broken: 'ca.crt was put together with cat; the first certificate does not end its line.',
    build: async () => {
      const { tree, pairs } = await pkiOf();
      const other = (await anotherPki()).pairs.ca.certificate;
      return copyOf(withFiles(tree, { [`${PKI}/ca.crt`]: pairs.ca.certificate.trimEnd() + other }));
    },
  },
  {
    title: 'A manifest that cannot be read',
    broken: 'kube-apiserver.yaml is indented with a tab; the kubelet does not run it.',
    build: async () =>
      copyOf(edit((await pkiOf()).tree, API_SERVER, (text) => text.replace('    - --secure', '\t- --secure'))),
  },
  {
    title: 'A backup beside the manifest',
    broken: 'kube-apiserver.yaml.bak lies in the directory of manifests, and the kubelet runs both.',
    build: async () => {
      const { tree } = await pkiOf();
      return copyOf(withFiles(tree, { [`${API_SERVER}.bak`]: textOf(tree, API_SERVER) }));
    },
  },
  {
    title: 'A README among the manifests',
    broken: 'Nothing: the kubelet passes over it.',
    build: async () => copyOf(withFiles((await pkiOf()).tree, { [`${MANIFESTS}/README`]: 'Do not edit.\n' })),
  },
  {
    title: 'admin.conf in UTF-16',
    broken: 'admin.conf was copied by a redirection of PowerShell.',
    build: async () => {
      const { tree } = await pkiOf();
      const bytes = Buffer.from(`\uFEFF${textOf(tree, '/etc/kubernetes/admin.conf')}`, 'utf16le');
      return copyOf(new Map([...tree, [hostPath('/etc/kubernetes/admin.conf'), { kind: 'file', bytes, mode: 0o600 }]]));
    },
  },
];
