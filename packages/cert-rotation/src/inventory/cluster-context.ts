import type { HostPath } from '@kube-rescue/host';
import {
  type ComponentFlags,
  type ContextChoice,
  type FileReader,
  type KubeconfigCredential,
  readNamedFile,
} from '@kube-rescue/node-config';
import { isSameCa, parseCertificates } from '@kube-rescue/x509';
import { locateCa } from './ca-inventory.ts';
import { locateCertificatesDirectory } from './certificate-locating.ts';
import { attempt } from './reading.ts';

interface CaDirectories {
  readonly components: readonly ComponentFlags[];
  readonly kubernetesDirectory: HostPath;
  readonly certificatesDirectory?: HostPath | undefined;
}

/**
 * Which context of a kubeconfig is this cluster's: the one whose CA is the cluster CA of this node, by subject and key. For files
 * of people, who merge the contexts of several clusters into one; a component takes the current context. Without a readable CA
 * the current context counts.
 */
export async function readContextChoice(
  { components, kubernetesDirectory, certificatesDirectory }: CaDirectories,
  { host }: { readonly host: FileReader },
): Promise<ContextChoice> {
  const directory = certificatesDirectory ?? locateCertificatesDirectory(components, kubernetesDirectory);
  const path = locateCa('cluster', components, directory);
  const cas = await attempt(async () => parseCertificates(await readNamedFile(host, path, 'PKI_CA_MISSING'), path));
  if (!cas.ok) return {};
  const isOfCluster = (trust: KubeconfigCredential): boolean => {
    if (trust.in === 'file') return trust.path === path;
    try {
      return parseCertificates(trust.text, path).some((each) => cas.value.some((ca) => isSameCa(each, ca)));
    } catch {
      // A bundle that cannot be parsed is of no cluster.
      return false;
    }
  };
  return { isOfCluster };
}
