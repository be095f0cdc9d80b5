import { issueCertificate, leafExtensions } from './certificate-signing.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { LabError } from '../errors.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import { type EmbeddedCredentials, readEmbeddedCredentials } from './kubeconfig-credentials.ts';
import { type ClusterNode, nodeFile } from '../machine/lab-directory.ts';
import { readNodeText } from './node-text.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;
const LIFETIME_DAYS = 365;
const DIRECTORY = '/var/lib/kubelet/pki';

/**
 * Stores the kubelet's client certificate as a kubelet with rotation does: a dated file and a link to it.
 *
 * A kubelet also copies the certificate that is embedded in its kubeconfig, but requests a new one as soon as it can. With
 * this file a lab's kubelet keeps its certificate and key algorithm.
 */
export async function storeKubeletCertificate(
  node: ClusterNode,
  keyAlgorithm: KeyAlgorithm,
  deps: LabDeps,
): Promise<void> {
  const { certificate, key } = await (keyAlgorithm === 'ECDSA' ? issueForKubelet : embeddedForKubelet)(node, deps);
  const stamp = deps.clock.now().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
  const dated = `${DIRECTORY}/kubelet-client-${stamp}.pem`;
  await deps.host.makeDirectory(nodeFile(node, DIRECTORY), { mode: 0o755 });
  await deps.host.writeFile(nodeFile(node, dated), Buffer.from(certificate + key), { mode: 0o600 });
  await deps.host.writeLink(nodeFile(node, `${DIRECTORY}/kubelet-client-current.pem`), dated);
}

async function embeddedForKubelet(node: ClusterNode, deps: LabDeps): Promise<EmbeddedCredentials> {
  const kubeconfig = '/etc/kubernetes/kubelet.conf';
  const credentials = readEmbeddedCredentials(await readNodeText(nodeFile(node, kubeconfig), deps));
  if (credentials !== undefined) return credentials;
  throw new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: 'kubeadm embedded no client certificate in the kubeconfig of the kubelet',
    subject: kubeconfig,
    hint: 'use the Kubernetes binaries that the lab builds',
  });
}

/** kubeadm 1.20 creates only RSA keys for the kubelet, while a kubelet with rotation creates ECDSA keys. */
function issueForKubelet(node: ClusterNode, deps: LabDeps): Promise<EmbeddedCredentials> {
  const now = deps.clock.now();
  const validity = { notBefore: now, notAfter: new Date(now.getTime() + LIFETIME_DAYS * MS_PER_DAY) };
  const ca = '/etc/kubernetes/pki/ca';
  const issuer = { certificate: nodeFile(node, `${ca}.crt`), key: nodeFile(node, `${ca}.key`) };
  const subject = `/O=system:nodes/CN=system:node:${node.name}`;
  const extensions = leafExtensions(['clientAuth']);
  return issueCertificate(
    { subject, keyAlgorithm: 'ECDSA', extensions, issuer, validity, workDirectory: node.directory },
    deps,
  );
}
