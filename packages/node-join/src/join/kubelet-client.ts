import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { decodeKubeconfig, NodeConfigError, parseKubeconfig } from '@kube-rescue/node-config';
import { type ObjectStore, RESOURCE_KINDS, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { parseCertificates } from '@kube-rescue/x509';

/** The client certificate of a kubelet. */
export type KubeletClient =
  | {
      /** `node`: read on the node. `request`: the last signed request in the cluster. */
      readonly source: 'node' | 'request';
      readonly subject: string;
      readonly issuer: string;
      /** RFC 3339. */
      readonly expiresAt: string;
    }
  /** Neither source could be read; never counted as valid. */
  | { readonly source: 'unknown'; readonly reason: string };

type KnownClient = Exclude<KubeletClient, { readonly source: 'unknown' }>;

/** Default kubeconfig paths of kubelets: Tectonic, kubeadm. */
const KUBECONFIGS: readonly HostPath[] = ['/etc/kubernetes/kubeconfig', '/etc/kubernetes/kubelet.conf'].map(hostPath);

/** Reads a kubelet's client certificate from the first existing kubeconfig of its node. */
export async function readKubeletClient(
  host: Pick<Host, 'readFile'>,
  kubeconfigs: readonly HostPath[] = KUBECONFIGS,
): Promise<KubeletClient> {
  for (const path of kubeconfigs) {
    const bytes = await host.readFile(path);
    if (bytes === undefined) continue;
    try {
      const pem = await certificateIn(bytes, path, host);
      const client = pem === undefined ? undefined : describe(pem, 'node');
      return client ?? { source: 'unknown', reason: `${path} has no readable client certificate` };
    } catch (error) {
      if (error instanceof NodeConfigError) return { source: 'unknown', reason: `${path}: ${error.message}` };
      throw error;
    }
  }
  return { source: 'unknown', reason: `no kubeconfig found: ${kubeconfigs.join(', ')}` };
}

/** The newest client certificate that the cluster has signed for each kubelet, by Node; the API keeps requests for an hour. */
export async function readSignedClients(
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KnownClient>> {
  const newest = new Map<string, KnownClient>();
  const options = { signal, onUnreadable: () => undefined };
  for await (const { object } of store.list(RESOURCE_KINDS.CertificateSigningRequest, options)) {
    const text = textAt(object.status, 'certificate');
    const client = text === undefined ? undefined : describe(Buffer.from(text, 'base64').toString(), 'request');
    const node = /^CN=system:node:(.+)$/m.exec(client?.subject ?? '')?.[1];
    if (client === undefined || node === undefined) continue;
    const known = newest.get(node);
    if (known === undefined || known.expiresAt < client.expiresAt) newest.set(node, client);
  }
  return newest;
}

async function certificateIn(
  bytes: Uint8Array,
  path: HostPath,
  host: Pick<Host, 'readFile'>,
): Promise<string | undefined> {
  const { certificate } = parseKubeconfig(decodeKubeconfig(bytes, path), path);
  if (certificate?.in !== 'file') return certificate?.text;
  const file = await host.readFile(certificate.path);
  return file && Buffer.from(file).toString('latin1');
}

function describe(text: string, source: 'node' | 'request'): KnownClient | undefined {
  try {
    const [{ x509, notAfter }] = parseCertificates(text, source);
    return { source, subject: x509.subject, issuer: x509.issuer, expiresAt: notAfter.toISOString() };
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
