import {
  type ComponentFlags,
  type ContextChoice,
  decodeKubeconfig,
  type FileReader,
  findComponent,
  findFlag,
  type Kubeconfig,
  parseKubeconfig,
} from '@kube-rescue/node-config';
import type { RecoveryError } from '@kube-rescue/errors';
import { baseName, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import type { CertificateDefinition } from './catalogue.ts';
import { PkiError } from '../errors.ts';
import { type Credentials, readFileCredentials, readKubeconfigCredentials } from './certificate-location.ts';
import {
  type KubeletStore,
  kubeletConfigMissing,
  locateKubeletConfig,
  APPROVE_REQUEST,
  locateKubeletServerStore,
  locateKubeletServingPair,
  readKubeletCredentials,
} from './kubelet-inventory.ts';
import { findKubeconfigLoss, lossOf } from './loss.ts';
import { attempt, type Reading } from './reading.ts';

/** Known facts of a node before its certificates are located. */
export interface NodeSurvey {
  readonly components: readonly ComponentFlags[];
  readonly kubernetesDirectory: HostPath;
  readonly certificatesDirectory: HostPath;
  readonly reader: FileReader;
  /** For kubeconfigs that no component reads. */
  readonly contextChoice: ContextChoice;
  /** Kubeconfigs that were read: several certificates share one. */
  readonly kubeconfigs: Map<HostPath, Promise<Reading<Kubeconfig | undefined>>>;
}

/** A certificate with its key, or why this node does not have it. */
export type LocatedCertificate =
  | (Credentials & { readonly store?: KubeletStore | undefined })
  | { readonly reason: string; readonly hint?: string };

/** The kubeconfig that holds or names a certificate; `undefined` for a certificate in files. */
export function locateKubeconfig(
  { location, component }: CertificateDefinition,
  { components, kubernetesDirectory }: Pick<NodeSurvey, 'components' | 'kubernetesDirectory'>,
): HostPath | undefined {
  if (location.in === 'kubelet-store') return locateKubeletConfig(components, kubernetesDirectory);
  if (location.in !== 'kubeconfig') return undefined;
  const isNamed = component !== undefined && location.flag !== undefined;
  const named = isNamed ? findFlag(components, { component, flag: location.flag }) : undefined;
  return named === undefined ? joinPath(kubernetesDirectory, location.fileName) : hostPath(named);
}

/** Which context of its kubeconfig a certificate is in: a component takes the current one. */
export function contextChoiceOf(
  { component }: Pick<CertificateDefinition, 'component'>,
  { contextChoice }: Pick<NodeSurvey, 'contextChoice'>,
): ContextChoice {
  return component === undefined ? contextChoice : {};
}

/** Reads a kubeconfig of this node; the value is `undefined` when it does not exist. */
export function readKubeconfig(
  { reader, kubeconfigs }: Pick<NodeSurvey, 'reader' | 'kubeconfigs'>,
  path: HostPath,
  choice: ContextChoice,
): Promise<Reading<Kubeconfig | undefined>> {
  const known = kubeconfigs.get(path);
  if (known !== undefined) return known;
  const reading = attempt(async () => {
    const bytes = await reader.readFile(path);
    return bytes === undefined ? undefined : parseKubeconfig(decodeKubeconfig(bytes, path), path, choice);
  });
  kubeconfigs.set(path, reading);
  return reading;
}

/** kubeadm's `certificatesDir`: the directory that the API server's flags point into. */
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
    certificateLocation: { in: 'kubeconfig', path, field: 'client-certificate-data' },
    keyLocation: { in: 'kubeconfig', path, field: 'client-key-data' },
    certificate: { ok: false, error },
    intermediates: [],
    key: { ok: false, error },
  };
}

/** Without a flag the pair is optional. */
async function readUnnamedPair(certificate: HostPath, key: HostPath, reader: FileReader): Promise<LocatedCertificate> {
  if ((await reader.readFile(certificate)) === undefined) return { reason: `no ${certificate}` };
  return readFileCredentials(reader, certificate, key);
}

/** A component's flag names the kubeconfig, or kubeadm wrote it for the administrator of every control plane. */
function isNeeded({ id, component, location }: CertificateDefinition, { components }: NodeSurvey): boolean {
  if (location.in !== 'kubeconfig') return false;
  if (component !== undefined) {
    return location.flag !== undefined && findFlag(components, { component, flag: location.flag }) !== undefined;
  }
  const apiServer = findComponent(components, 'kube-apiserver');
  return id === 'admin.conf' && apiServer !== undefined && baseName(apiServer.source) === 'kube-apiserver.yaml';
}

function kubeconfigMissing(path: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_CERTIFICATE_MISSING',
    message: 'the file does not exist',
    subject: path,
    hint: 'restore it from a backup',
  });
}

function kubeconfigTorn(path: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_KUBECONFIG_INVALID',
    message: 'the file ends before the credentials of its user',
    subject: path,
    hint: 'restore it from a backup',
  });
}

async function findInKubeconfig(
  definition: CertificateDefinition,
  path: HostPath,
  survey: NodeSurvey,
): Promise<LocatedCertificate> {
  const { components, reader } = survey;
  const isKubelet = definition.location.in === 'kubelet-store';
  const content = await readKubeconfig(survey, path, contextChoiceOf(definition, survey));
  if (!content.ok) return unreadable(path, content.error);
  if (content.value === undefined) {
    if (isKubelet) return unreadable(path, kubeletConfigMissing(path));
    return isNeeded(definition, survey) ? unreadable(path, kubeconfigMissing(path)) : { reason: `no ${path}` };
  }
  const { certificate, key, otherCredential } = content.value;
  if (certificate === undefined) {
    const isTorn = otherCredential === undefined && (await lossOf(path, reader, findKubeconfigLoss)) !== undefined;
    if (isTorn) return unreadable(path, kubeconfigTorn(path));
    const other = otherCredential === undefined ? '' : `; its user has ${otherCredential}`;
    return { reason: `${path} has no client certificate${other}` };
  }
  const config = { path, certificate, key: key ?? certificate };
  return isKubelet
    ? readKubeletCredentials(reader, config, components)
    : readKubeconfigCredentials(reader, config, config.certificate, config.key);
}

/** Whether the files of a certificate are those that kubeadm writes. */
export function isAtKubeadmPath(
  { id, location }: CertificateDefinition,
  { certificateLocation, keyLocation, store }: Credentials & { readonly store?: KubeletStore | undefined },
  { kubernetesDirectory, certificatesDirectory }: NodeSurvey,
): boolean {
  const paths: readonly HostPath[] = [certificateLocation.path, keyLocation.path];
  const isOf = (...wanted: readonly string[]): boolean => paths.every((path, at) => path === (wanted[at] ?? wanted[0]));
  if (location.in === 'files') {
    return isOf(joinPath(certificatesDirectory, `${id}.crt`), joinPath(certificatesDirectory, `${id}.key`));
  }
  if (location.in === 'kubeconfig') return isOf(joinPath(kubernetesDirectory, location.fileName));
  return (
    location.in === 'kubelet-store' && (store !== undefined || isOf(joinPath(kubernetesDirectory, 'kubelet.conf')))
  );
}

/** Finds one certificate of the catalogue on a node, by flags and kubeconfigs, and reads it. */
export async function locateCertificate(
  definition: CertificateDefinition,
  survey: NodeSurvey,
): Promise<LocatedCertificate> {
  const { component, location } = definition;
  const { components, certificatesDirectory, reader } = survey;
  if (component !== undefined && findComponent(components, component) === undefined) {
    return { reason: `no ${component} on this node` };
  }
  const kubeconfig = locateKubeconfig(definition, survey);
  if (kubeconfig !== undefined) return findInKubeconfig(definition, kubeconfig, survey);
  if (location.in === 'kubelet-self-signed') {
    const store = await locateKubeletServerStore(components, reader);
    if (store !== undefined) {
      return { reason: `the kubelet requests it from the cluster: ${store}`, hint: APPROVE_REQUEST };
    }
    const { certificate, key } = locateKubeletServingPair(components);
    return readUnnamedPair(certificate, key, reader);
  }
  if (location.in !== 'files' || component === undefined)
    throw new Error(`the catalogue has no location for ${definition.id}`);
  if ('baseName' in location) {
    const base = joinPath(certificatesDirectory, location.baseName);
    return readUnnamedPair(hostPath(`${base}.crt`), hostPath(`${base}.key`), reader);
  }
  const certificate = findFlag(components, { component, flag: location.certificateFlag });
  const key = findFlag(components, { component, flag: location.keyFlag });
  if (certificate === undefined) return { reason: `${component} has no --${location.certificateFlag}` };
  return readFileCredentials(reader, hostPath(certificate), hostPath(key ?? certificate));
}
