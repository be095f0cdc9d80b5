import { KUBELET_SERVER_PEM } from '../../addons/kubelet-serving.ts';
import type { Issuer } from '../../cluster/certificate-signing.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { LabError } from '../../errors.ts';
import { readEmbeddedCredentials, withEmbeddedCertificate } from '../../cluster/kubeconfig-credentials.ts';
import { type ClusterNode, nodeFile } from '../../machine/lab-directory.ts';
import { readNodeText } from '../../cluster/node-text.ts';

/** A leaf certificate of a kubeadm control-plane node. */
export interface LeafCertificate {
  /** The path on the node of the file that holds it. */
  readonly path: string;
  /** Name of the CA that signed it: its files are `/etc/kubernetes/pki/NAME.crt` and `.key`. */
  readonly issuer: 'ca' | 'etcd/ca' | 'front-proxy-ca';
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** The text of the file with another certificate in it. */
  fileWith(certificate: string): string;
}

const PKI = '/etc/kubernetes/pki';
const CURRENT_KUBELET_PEM = '/var/lib/kubelet/pki/kubelet-client-current.pem';

/** kubeadm's own list (cmd/kubeadm/app/phases/certs/certlist.go), without the CAs. */
const PKI_LEAVES = [
  { name: 'apiserver', issuer: 'ca' },
  { name: 'apiserver-kubelet-client', issuer: 'ca' },
  { name: 'front-proxy-client', issuer: 'front-proxy-ca' },
  { name: 'apiserver-etcd-client', issuer: 'etcd/ca' },
  { name: 'etcd/server', issuer: 'etcd/ca' },
  { name: 'etcd/peer', issuer: 'etcd/ca' },
  { name: 'etcd/healthcheck-client', issuer: 'etcd/ca' },
] as const;

const KUBECONFIGS = ['admin', 'controller-manager', 'scheduler'] as const;
/** kubeadm writes it since 1.29. */
const SUPER_ADMIN = 'super-admin';

/**
 * Reads all leaf certificates of a kubeadm control-plane node, the kubelet's client certificate included: eleven, since 1.29
 * twelve, and one more where the kubelet requests its serving certificate.
 */
export async function readLeafCertificates(node: ClusterNode, deps: LabDeps): Promise<readonly LeafCertificate[]> {
  const hasSuperAdmin = (await deps.host.stat(nodeFile(node, `/etc/kubernetes/${SUPER_ADMIN}.conf`))) !== undefined;
  const kubeconfigs = hasSuperAdmin ? [...KUBECONFIGS, SUPER_ADMIN] : KUBECONFIGS;
  return Promise.all([
    ...PKI_LEAVES.map(async ({ name, issuer }): Promise<LeafCertificate> => {
      const path = `${PKI}/${name}.crt`;
      const certificate = await readNodeText(nodeFile(node, path), deps);
      const key = await readNodeText(nodeFile(node, `${PKI}/${name}.key`), deps);
      return { path, issuer, certificate, key, fileWith: (replacement) => replacement };
    }),
    ...kubeconfigs.map(async (name): Promise<LeafCertificate> => {
      const path = `/etc/kubernetes/${name}.conf`;
      const text = await readNodeText(nodeFile(node, path), deps);
      const credentials = readEmbeddedCredentials(text) ?? unreadable(path);
      return { path, issuer: 'ca', ...credentials, fileWith: (pem) => withEmbeddedCertificate(text, pem) };
    }),
    ...(await kubeletLinks(node, deps)).map((link) => readKubeletCertificate(node, link, deps)),
  ]);
}

/** Whether kubeadm does not know the certificate: the kubelet keeps it itself. */
export function isOfKubelet({ path }: Pick<LeafCertificate, 'path'>): boolean {
  return path.startsWith('/var/lib/kubelet/');
}

async function kubeletLinks(node: ClusterNode, { host }: LabDeps): Promise<readonly string[]> {
  const hasServing = (await host.readLink(nodeFile(node, KUBELET_SERVER_PEM))) !== undefined;
  return hasServing ? [CURRENT_KUBELET_PEM, KUBELET_SERVER_PEM] : [CURRENT_KUBELET_PEM];
}

/** The CA's files on the machine. */
export function issuerFiles(node: ClusterNode, { issuer }: Pick<LeafCertificate, 'issuer'>): Issuer {
  return { certificate: nodeFile(node, `${PKI}/${issuer}.crt`), key: nodeFile(node, `${PKI}/${issuer}.key`) };
}

/** Certificate and key of the kubelet are in one file behind a link with a fixed name. */
async function readKubeletCertificate(node: ClusterNode, link: string, deps: LabDeps): Promise<LeafCertificate> {
  const path = (await deps.host.readLink(nodeFile(node, link))) ?? unreadable(link);
  const text = await readNodeText(nodeFile(node, path), deps);
  const { certificate, key } = splitPem(text) ?? unreadable(path);
  return { path, issuer: 'ca', certificate, key, fileWith: (replacement) => replacement + key };
}

/** Splits a file into certificate and private key, in any order. */
export function splitPem(text: string): { readonly certificate: string; readonly key: string } | undefined {
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
  const key = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]+-----END \1-----\n/.exec(text)?.[0];
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function unreadable(path: string): never {
  throw new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: 'the file has not the form that kubeadm writes',
    subject: path,
    hint: 'break a cluster only once',
  });
}
