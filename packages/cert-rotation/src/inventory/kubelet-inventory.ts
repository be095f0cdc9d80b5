import { type ComponentFlags, type FileReader, findFlag, type KubeconfigCredential } from '@kube-rescue/node-config';
import { baseName, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { type Certificate, parseCertificates } from '@kube-rescue/x509';
import { type Credentials, readFileCredentials, readKubeconfigCredentials } from './certificate-location.ts';
import { PkiError } from '../errors.ts';
import { attempt, type Reading } from './reading.ts';

const DEFAULT_CERTIFICATE_DIRECTORY = '/var/lib/kubelet/pki';
const CURRENT_LINK = 'kubelet-client-current.pem';
const SERVER_LINK = 'kubelet-server-current.pem';

/** What to do for a serving certificate that no file here can renew. */
export const APPROVE_REQUEST =
  'the kubelet asks the cluster for it: `kube-rescue recover` approves its request on a control-plane node; elsewhere approve the pending request of signer kubernetes.io/kubelet-serving when the API server works (`kubectl get csr`, `kubectl certificate approve NAME`)';

/** The kubelet's own store of client certificates (client-go `util/certificate/certificate_store.go`). */
export interface KubeletStore {
  /** `kubelet-client-current.pem`: a link to the dated PEM in use. */
  readonly link: HostPath;
  readonly directory: HostPath;
  /**
   * The certificate that kubelet.conf embeds beside the store. The kubelet refuses to start when the embedded certificate
   * has expired, even with a valid one in the store (kubelet `certificate/bootstrap/bootstrap.go` isClientConfigStillValid).
   */
  readonly embedded: { readonly kubeconfig: HostPath; readonly certificate: Reading<Certificate> } | undefined;
}

function kubeletFlag(components: readonly ComponentFlags[], flag: string): string | undefined {
  return findFlag(components, { component: 'kubelet', flag });
}

export function locateKubeletConfig(components: readonly ComponentFlags[], kubernetesDirectory: HostPath): HostPath {
  return hostPath(kubeletFlag(components, 'kubeconfig') ?? joinPath(kubernetesDirectory, 'kubelet.conf'));
}

function certificateDirectory(components: readonly ComponentFlags[]): HostPath {
  return hostPath(kubeletFlag(components, 'cert-dir') ?? DEFAULT_CERTIFICATE_DIRECTORY);
}

/** The kubelet's serving pair: the pair in its flags, otherwise the self-signed pair that it creates. */
export function locateKubeletServingPair(components: readonly ComponentFlags[]): {
  readonly certificate: HostPath;
  readonly key: HostPath;
} {
  const directory = certificateDirectory(components);
  return {
    certificate: hostPath(kubeletFlag(components, 'tls-cert-file') ?? joinPath(directory, 'kubelet.crt')),
    key: hostPath(kubeletFlag(components, 'tls-private-key-file') ?? joinPath(directory, 'kubelet.key')),
  };
}

/**
 * The link to the serving certificate that the kubelet requests from the cluster; `undefined` when it serves another pair: without
 * `serverTLSBootstrap`, and the pair of `--tls-cert-file` until the first request is signed (`pkg/kubelet/kubelet.go`, client-go
 * `util/certificate/certificate_store.go` Current).
 */
export async function locateKubeletServerStore(
  components: readonly ComponentFlags[],
  reader: Pick<FileReader, 'readLink'>,
): Promise<HostPath | undefined> {
  if (!/^(?:1|t|true)$/i.test(kubeletFlag(components, 'rotate-server-certificates') ?? '')) return undefined;
  const link = joinPath(certificateDirectory(components), SERVER_LINK);
  const isServed =
    kubeletFlag(components, 'tls-cert-file') === undefined || (await reader.readLink(link)) !== undefined;
  return isServed ? link : undefined;
}

/** The kubelet's store of client certificates in its `--cert-dir`, for a kubelet.conf that names it. */
export function locateKubeletStore(components: readonly ComponentFlags[]): KubeletStore {
  const directory = certificateDirectory(components);
  return { link: joinPath(directory, CURRENT_LINK), directory, embedded: undefined };
}

async function isStoreLink(reader: FileReader, path: HostPath): Promise<boolean> {
  return baseName(path) === CURRENT_LINK || (await reader.readLink(path))?.startsWith('kubelet-client-') === true;
}

/**
 * The kubelet's client certificate: in its store, embedded in kubelet.conf, in both, or in files that kubelet.conf names.
 */
export async function readKubeletCredentials(
  reader: FileReader,
  config: { readonly path: HostPath; readonly certificate: KubeconfigCredential; readonly key: KubeconfigCredential },
  components: readonly ComponentFlags[],
): Promise<Credentials & { readonly store: KubeletStore | undefined }> {
  const { certificate, key } = config;
  if (certificate.in === 'file') {
    const keyPath = key.in === 'file' ? key.path : certificate.path;
    const credentials = await readFileCredentials(reader, certificate.path, keyPath);
    const inStore = keyPath === certificate.path && (await isStoreLink(reader, certificate.path));
    const store = { link: certificate.path, directory: parentPath(certificate.path), embedded: undefined };
    return { ...credentials, store: inStore ? store : undefined };
  }
  const directory = certificateDirectory(components);
  const link = joinPath(directory, CURRENT_LINK);
  if ((await reader.readFile(link)) === undefined) {
    return { ...(await readKubeconfigCredentials(reader, config, certificate, key)), store: undefined };
  }
  const embedded = await attempt(() => parseCertificates(certificate.text, config.path)[0]);
  return {
    ...(await readFileCredentials(reader, link, link)),
    store: { link, directory, embedded: { kubeconfig: config.path, certificate: embedded } },
  };
}

/** Without kubelet.conf the kubelet cannot request a certificate. */
export function kubeletConfigMissing(path: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_CERTIFICATE_MISSING',
    message: 'the kubeconfig of the kubelet is missing',
    subject: path,
    hint: 'restore it from a backup, or recreate it with `kubeadm init phase kubeconfig kubelet`',
  });
}
