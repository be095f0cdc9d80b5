import {
  type ComponentFlags,
  decodeKubeconfig,
  type FileReader,
  findComponent,
  findFlag,
  type Kubeconfig,
  parseKubeconfig,
} from '@kube-rescue/node-config';
import type { RecoveryError } from '@kube-rescue/errors';
import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { CertificateDefinition } from './catalogue.ts';
import { type Credentials, readFileCredentials, readKubeconfigCredentials } from './certificate-location.ts';
import {
  type KubeletStore,
  kubeletConfigMissing,
  locateKubeletConfig,
  locateKubeletServingPair,
  readKubeletCredentials,
} from './kubelet-inventory.ts';
import { attempt, type Reading } from './reading.ts';

/** What is known of a node before its certificates are looked for. */
export interface NodeSurvey {
  readonly components: readonly ComponentFlags[];
  readonly kubernetesDirectory: HostPath;
  readonly certificatesDirectory: HostPath;
  readonly reader: FileReader;
  /** What was read of kubeconfigs: several certificates ask for the same one. */
  readonly kubeconfigs: Map<HostPath, Promise<Reading<Kubeconfig | undefined>>>;
}

/** A certificate with its key, or why this node does not have it. */
export type LocatedCertificate =
  | (Credentials & { readonly store?: KubeletStore | undefined })
  | { readonly reason: string };

/** The kubeconfig that holds or names a certificate; `undefined` for one that is kept otherwise. */
export function locateKubeconfig(
  { home, component }: CertificateDefinition,
  { components, kubernetesDirectory }: Pick<NodeSurvey, 'components' | 'kubernetesDirectory'>,
): HostPath | undefined {
  if (home.in === 'kubelet-store') return locateKubeletConfig(components, kubernetesDirectory);
  if (home.in !== 'kubeconfig') return undefined;
  const isNamed = component !== undefined && home.flag !== undefined;
  const named = isNamed ? findFlag(components, { component, flag: home.flag }) : undefined;
  return named === undefined ? joinPath(kubernetesDirectory, home.fileName) : hostPath(named);
}

/** Reads a kubeconfig of this node; the value is `undefined` when it is not there. */
export function readKubeconfig(
  { reader, kubeconfigs }: Pick<NodeSurvey, 'reader' | 'kubeconfigs'>,
  path: HostPath,
): Promise<Reading<Kubeconfig | undefined>> {
  const known = kubeconfigs.get(path);
  if (known !== undefined) return known;
  const reading = attempt(async () => {
    const bytes = await reader.readFile(path);
    return bytes === undefined ? undefined : parseKubeconfig(decodeKubeconfig(bytes, path), path);
  });
  kubeconfigs.set(path, reading);
  return reading;
}

/** kubeadm's `certificatesDir`: the folder that the API server's flags point into. */
export function locateCertificatesDirectory(
  components: readonly ComponentFlags[],
  kubernetesDirectory: HostPath,
): HostPath {
  const named = ['client-ca-file', 'tls-cert-file']
    .map((flag) => findFlag(components, { component: 'kube-apiserver', flag }))
    .find((path) => path !== undefined);
  return named === undefined ? joinPath(kubernetesDirectory, 'pki') : parentPath(hostPath(named));
}

function unreadable(path: HostPath, error: RecoveryError): Credentials {
  return {
    certificatePlace: { in: 'kubeconfig', path, field: 'client-certificate-data' },
    keyPlace: { in: 'kubeconfig', path, field: 'client-key-data' },
    certificate: { ok: false, error },
    key: { ok: false, error },
  };
}

/** A pair that no flag names is not missed when it is not there. */
async function readUnnamedPair(certificate: HostPath, key: HostPath, reader: FileReader): Promise<LocatedCertificate> {
  if ((await reader.readFile(certificate)) === undefined) return { reason: `no ${certificate}` };
  return readFileCredentials(reader, certificate, key);
}

async function findInKubeconfig(
  definition: CertificateDefinition,
  path: HostPath,
  survey: NodeSurvey,
): Promise<LocatedCertificate> {
  const { components, reader } = survey;
  const isKubelet = definition.home.in === 'kubelet-store';
  const content = await readKubeconfig(survey, path);
  if (!content.ok) return unreadable(path, content.error);
  if (content.value === undefined)
    return isKubelet ? unreadable(path, kubeletConfigMissing(path)) : { reason: `no ${path}` };
  const { certificate, key } = content.value;
  if (certificate === undefined) return { reason: `${path} uses another credential than a certificate` };
  const config = { path, certificate, key: key ?? certificate };
  return isKubelet
    ? readKubeletCredentials(reader, config, components)
    : readKubeconfigCredentials(reader, config, config.certificate, config.key);
}

/** Finds one certificate of the catalogue on a node, by flags and kubeconfigs, and reads it. */
export async function locateCertificate(
  definition: CertificateDefinition,
  survey: NodeSurvey,
): Promise<LocatedCertificate> {
  const { component, home } = definition;
  const { components, certificatesDirectory, reader } = survey;
  if (component !== undefined && findComponent(components, component) === undefined) {
    return { reason: `no ${component} on this node` };
  }
  const kubeconfig = locateKubeconfig(definition, survey);
  if (kubeconfig !== undefined) return findInKubeconfig(definition, kubeconfig, survey);
  if (home.in === 'kubelet-self-signed') {
    const { certificate, key } = locateKubeletServingPair(components);
    return readUnnamedPair(certificate, key, reader);
  }
  if (home.in !== 'files' || component === undefined) throw new Error(`nobody knows where ${definition.id} is kept`);
  if ('baseName' in home) {
    const base = joinPath(certificatesDirectory, home.baseName);
    return readUnnamedPair(hostPath(`${base}.crt`), hostPath(`${base}.key`), reader);
  }
  const certificate = findFlag(components, { component, flag: home.certificateFlag });
  const key = findFlag(components, { component, flag: home.keyFlag });
  if (certificate === undefined) return { reason: `${component} has no --${home.certificateFlag}` };
  return readFileCredentials(reader, hostPath(certificate), hostPath(key ?? certificate));
}
