import { baseName, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { type ComponentFlags, findComponent, namedPaths } from '@kube-rescue/node-config';
import { PkiError } from '../errors.ts';

/** The files of the keys of service account tokens on a control-plane node. */
export interface TokenKeyFiles {
  /** The public keys that verify tokens: a bundle during a rotation, the one of {@link signing} first. */
  readonly verifying: HostPath;
  /** The private key that signs, for the API server and kube-controller-manager. */
  readonly signing: HostPath;
  /** The private key that signs next; exists from `publish` until `sign`. */
  readonly next: HostPath;
}

const KEY_FILES = 'service-account-key-file';
const SIGNING = 'service-account-signing-key-file';
const ENDPOINT = 'service-account-signing-endpoint';
const LEGACY_SIGNING = 'service-account-private-key-file';

/**
 * The files of the keys, by the flags. Reads nothing.
 *
 * @throws PkiError `PKI_TOKEN_SIGNER_EXTERNAL` when an external signer holds the key; `PKI_TOKEN_KEY_LAYOUT` for any layout but
 * kubeadm's: one file with public keys, one private key for both components
 */
export function findTokenKeyFiles(components: readonly ComponentFlags[]): TokenKeyFiles {
  const apiServer = findComponent(components, 'kube-apiserver');
  const source = apiServer?.source ?? hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
  const flag = (name: string): string => apiServer?.flags.get(name) ?? '';
  const endpoint = flag(ENDPOINT);
  if (endpoint !== '') throw external(endpoint);
  const [verifying, another] = namedPaths(flag(KEY_FILES));
  const [signing] = namedPaths(flag(SIGNING));
  if (verifying === undefined) throw layout(source, `kube-apiserver has no --${KEY_FILES}`);
  if (another !== undefined)
    throw layout(source, `kube-apiserver verifies with several files: --${KEY_FILES}=${verifying}, ${another}`);
  if (signing === undefined) throw layout(source, `kube-apiserver has no --${SIGNING}`);
  if (signing === verifying) throw layout(source, `--${KEY_FILES} and --${SIGNING} are one file: ${signing}`);
  const unmapped = apiServer?.unmapped?.find((name) => name === KEY_FILES || name === SIGNING);
  if (unmapped !== undefined) throw layout(source, `the file of --${unmapped} is in the container only`);
  const controllers = findComponent(components, 'kube-controller-manager');
  const legacy = controllers?.flags.get(LEGACY_SIGNING);
  // Without it, kube-controller-manager signs no token.
  if (legacy !== undefined && legacy !== signing) {
    throw layout(controllers?.source ?? source, `kube-controller-manager signs with another key: ${legacy}`);
  }
  return { verifying, signing, next: beside(signing) };
}

function beside(path: HostPath): HostPath {
  return joinPath(parentPath(path), `${baseName(path).replace(/\.[a-z]+$/, '')}-next.key`);
}

function external(endpoint: string): PkiError {
  return new PkiError({
    code: 'PKI_TOKEN_SIGNER_EXTERNAL',
    message: `an external signer signs service account tokens: kube-apiserver --${ENDPOINT}=${endpoint}`,
    subject: endpoint,
    hint: 'rotate the key in the signer itself: the API server asks it for its keys, and needs neither a file nor a restart',
  });
}

function layout(subject: HostPath, reason: string): PkiError {
  return new PkiError({
    code: 'PKI_TOKEN_KEY_LAYOUT',
    message: `the key of service account tokens cannot be rotated in stages here: ${reason}`,
    subject,
    hint: `nothing was changed; only kubeadm's layout is supported: one --${KEY_FILES}, and one private key in --${SIGNING} and --${LEGACY_SIGNING}`,
  });
}
