import type { Host, HostPath } from '@kube-rescue/host';
import { NodeConfigError } from '../errors.ts';
import { readNamedFile } from '../named-file.ts';
import { decodeKubeconfig } from './kubeconfig-bytes.ts';
import { type ContextChoice, type KubeconfigCredential, parseKubeconfig } from './kubeconfig.ts';

/** The credentials of a kubeconfig user. Holds a private key: never print it. */
export interface KubeconfigClient {
  readonly server: string;
  /** PEM bundle that verifies the server. */
  readonly ca: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/**
 * Reads the client credentials of one context of a kubeconfig, embedded or in files.
 *
 * @throws NodeConfigError `PKI_KUBECONFIG_INVALID` `PKI_CERTIFICATE_MISSING` `PKI_KEY_MISSING`; HostError when a file cannot be read
 */
export async function readKubeconfigClient(
  path: HostPath,
  { host }: { readonly host: Pick<Host, 'readFile' | 'readLink'> },
  choice: ContextChoice = {},
): Promise<KubeconfigClient> {
  const bytes = await host.readFile(path);
  const kubeconfig = bytes === undefined ? undefined : parseKubeconfig(decodeKubeconfig(bytes, path), path, choice);
  const { certificate, key, trust } = kubeconfig ?? {};
  if (kubeconfig === undefined || certificate === undefined || key === undefined || trust === undefined) {
    throw new NodeConfigError({
      code: 'PKI_KUBECONFIG_INVALID',
      message: `the kubeconfig has no client certificate, key and CA for its context${kubeconfig?.otherCredential === undefined ? '' : `; its user has ${kubeconfig.otherCredential}`}`,
      subject: path,
      hint: 'recreate it with `kubeadm init phase kubeconfig`',
    });
  }
  const text = (part: KubeconfigCredential, missing: 'PKI_CERTIFICATE_MISSING' | 'PKI_KEY_MISSING'): Promise<string> =>
    part.in === 'kubeconfig' ? Promise.resolve(part.text) : readNamedFile(host, part.path, missing);
  return {
    server: kubeconfig.server,
    ca: await text(trust, 'PKI_CERTIFICATE_MISSING'),
    certificate: await text(certificate, 'PKI_CERTIFICATE_MISSING'),
    key: await text(key, 'PKI_KEY_MISSING'),
  };
}
