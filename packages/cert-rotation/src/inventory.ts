import type { RecoveryError } from '@kube-rescue/errors';
import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { type AuthorityEntry, inspectAuthority, locateAuthority } from './authority-inventory.ts';
import {
  type AuthorityId,
  CERTIFICATES,
  type CertificateDefinition,
  type CertificateId,
  type ServedNames,
  type Usage,
} from './catalogue.ts';
import { type ComponentFlags, findComponent, findFlag } from './component-flags.ts';
import { type Credentials, readFileCredentials, readKubeconfigCredentials } from './credential-place.ts';
import { PkiError } from './errors.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import {
  type KubeletStore,
  kubeletConfigMissing,
  locateKubeletConfig,
  locateKubeletServingPair,
  readKubeconfig,
  readKubeletCredentials,
} from './kubelet-inventory.ts';
import { attempt, type FileReader, type Reading } from './reading.ts';
import { readServedNames } from './served-names.ts';

/** What is to be looked at. */
export interface InspectionInput {
  /** The components of this node; one that is left out leaves its certificates out. */
  readonly components: readonly ComponentFlags[];
  /** Usually `/etc/kubernetes`. */
  readonly kubernetesDirectory: HostPath;
  /** kubeadm's `certificatesDir`. Default: the folder of the API server's `--client-ca-file`. */
  readonly certificatesDirectory?: HostPath | undefined;
  /** Only these certificates and their authorities. Default: all. */
  readonly only?: readonly CertificateId[] | undefined;
}

/** One certificate of the node, where it lies and what is demanded of it. */
export interface CertificateEntry extends Credentials {
  readonly id: CertificateId;
  readonly definition: CertificateDefinition;
  /** Other certificates of the catalogue that are this very file. */
  readonly alsoServesAs: readonly CertificateId[];
  /** The authority that must have signed it; `undefined` for one that signs itself. */
  readonly authority: AuthorityId | undefined;
  readonly usages: readonly Usage[];
  /** DNS names and addresses that its clients dial. */
  readonly names: readonly string[];
  /** The kubelet's store, for the certificate that is kept there. */
  readonly store: KubeletStore | undefined;
}

/** A certificate of the catalogue that this node does not have. */
export interface AbsentCertificate {
  readonly id: CertificateId;
  /** For example `no etcd on this node`. */
  readonly reason: string;
}

export interface CertificateInventory {
  /** What was asked for, so that a step can look again. */
  readonly input: InspectionInput;
  readonly certificates: readonly CertificateEntry[];
  readonly authorities: readonly AuthorityEntry[];
  readonly absent: readonly AbsentCertificate[];
}

type Located = (Credentials & { readonly store?: KubeletStore | undefined }) | { readonly reason: string };

interface Survey {
  readonly input: InspectionInput;
  readonly certificatesDirectory: HostPath;
  readonly kubeconfigs: ReadonlyMap<CertificateId, { readonly path: HostPath; readonly content: Reading<Kubeconfig | undefined> }>;
  readonly reader: FileReader;
}

function assertKnownIds(only: readonly string[]): void {
  const unknown = only.filter((id) => !CERTIFICATES.some((definition) => definition.id === id));
  if (unknown.length === 0) return;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: `there is no certificate of that name`,
    subject: unknown.join(', '),
    hint: `choose from ${CERTIFICATES.map(({ id }) => id).join(', ')}`,
  });
}

function findCertificatesDirectory({ components, kubernetesDirectory, certificatesDirectory }: InspectionInput): HostPath {
  if (certificatesDirectory !== undefined) return certificatesDirectory;
  const named = ['client-ca-file', 'tls-cert-file']
    .map((flag) => findFlag(components, { component: 'kube-apiserver', flag }))
    .find((path) => path !== undefined);
  return named === undefined ? joinPath(kubernetesDirectory, 'pki') : parentPath(hostPath(named));
}

function kubeconfigPath({ id, home, component }: CertificateDefinition, input: InspectionInput): HostPath | undefined {
  if (id === 'kubelet-client') return locateKubeletConfig(input.components, input.kubernetesDirectory);
  if (home.in !== 'kubeconfig') return undefined;
  const named =
    component === undefined || home.flag === undefined
      ? undefined
      : findFlag(input.components, { component, flag: home.flag });
  return named === undefined ? joinPath(input.kubernetesDirectory, home.fileName) : hostPath(named);
}

async function surveyNode(input: InspectionInput, reader: FileReader): Promise<Survey> {
  const kubeconfigs = new Map<CertificateId, { path: HostPath; content: Reading<Kubeconfig | undefined> }>();
  for (const definition of CERTIFICATES) {
    const path = kubeconfigPath(definition, input);
    if (path !== undefined) {
      kubeconfigs.set(definition.id, { path, content: await attempt(() => readKubeconfig(reader, path)) });
    }
  }
  return { input, certificatesDirectory: findCertificatesDirectory(input), kubeconfigs, reader };
}

function unreadable(path: HostPath, error: RecoveryError): Credentials {
  return {
    certificatePlace: { in: 'kubeconfig', path, field: 'client-certificate-data' },
    keyPlace: { in: 'kubeconfig', path, field: 'client-key-data' },
    certificate: { ok: false, error },
    key: { ok: false, error },
  };
}

async function locateInFiles(definition: CertificateDefinition, survey: Survey): Promise<Located> {
  const { component, home } = definition;
  if (home.in !== 'files' || component === undefined) throw new Error(`${definition.id} is not kept in files`);
  if ('baseName' in home) {
    const base = joinPath(survey.certificatesDirectory, home.baseName);
    const certificate = hostPath(`${base}.crt`);
    if ((await survey.reader.readFile(certificate)) === undefined) return { reason: `no ${certificate}` };
    return readFileCredentials(survey.reader, certificate, hostPath(`${base}.key`));
  }
  const certificate = findFlag(survey.input.components, { component, flag: home.certificateFlag });
  const key = findFlag(survey.input.components, { component, flag: home.keyFlag });
  if (certificate === undefined) return { reason: `${component} has no --${home.certificateFlag}` };
  return readFileCredentials(survey.reader, hostPath(certificate), hostPath(key ?? certificate));
}

async function locateInKubeconfig(definition: CertificateDefinition, survey: Survey): Promise<Located> {
  const { path, content } = survey.kubeconfigs.get(definition.id as CertificateId) ?? {};
  if (path === undefined || content === undefined) throw new Error(`${definition.id} is not kept in a kubeconfig`);
  if (!content.ok) return unreadable(path, content.error);
  if (content.value === undefined) {
    return definition.component === 'kubelet' ? unreadable(path, kubeletConfigMissing(path)) : { reason: `no ${path}` };
  }
  const { certificate, key } = content.value;
  if (certificate === undefined) return { reason: `${path} uses another credential than a certificate` };
  const both = { path, certificate, key: key ?? certificate };
  return definition.component === 'kubelet'
    ? readKubeletCredentials(survey.reader, both, survey.input.components)
    : readKubeconfigCredentials(survey.reader, both, both.certificate, both.key);
}

async function locateServingPair(survey: Survey): Promise<Located> {
  const { certificate, key } = locateKubeletServingPair(survey.input.components);
  if ((await survey.reader.readFile(certificate)) === undefined) return { reason: `no ${certificate}` };
  return readFileCredentials(survey.reader, certificate, key);
}

async function locate(definition: CertificateDefinition, survey: Survey): Promise<Located> {
  const { component, home } = definition;
  if (component !== undefined && findComponent(survey.input.components, component) === undefined) {
    return { reason: `no ${component} on this node` };
  }
  switch (home.in) {
    case 'files':
      return locateInFiles(definition, survey);
    case 'kubelet-self-signed':
      return locateServingPair(survey);
    case 'kubeconfig':
    case 'kubelet-store':
      return locateInKubeconfig(definition, survey);
  }
}

function placeName({ certificatePlace }: Credentials): string {
  return `${certificatePlace.path}#${certificatePlace.in}`;
}

function merge(first: CertificateEntry, second: CertificateEntry): CertificateEntry {
  return {
    ...first,
    alsoServesAs: [...first.alsoServesAs, second.id],
    usages: [...new Set([...first.usages, ...second.usages])],
    names: [...new Set([...first.names, ...second.names])],
  };
}

/**
 * Finds the certificates of a node by its components' flags and its kubeconfigs, and reads them with their keys and
 * authorities. Reads only; judges nothing (see {@link judgeCertificate}).
 *
 * What cannot be read is an entry with an error, so that one broken file does not hide the others. A pair that serves two
 * purposes is one entry.
 * @throws PkiError `PKI_CERTIFICATE_UNKNOWN` for an id in `only`; HostError `HOST_PATH_INVALID` for a relative path in a flag
 */
export async function inspectCertificates(
  input: InspectionInput,
  deps: { readonly host: FileReader },
): Promise<CertificateInventory> {
  assertKnownIds(input.only ?? []);
  const survey = await surveyNode(input, deps.host);
  const { certificatesDirectory } = survey;
  const servers = [...survey.kubeconfigs.values()].map(({ content }) => (content.ok ? (content.value?.server ?? '') : ''));
  const byPath = new Map<HostPath, AuthorityId>();
  const authorityOf = (id: AuthorityId | undefined): AuthorityId | undefined => {
    if (id === undefined) return undefined;
    const path = locateAuthority(id, input.components, certificatesDirectory);
    const known = byPath.get(path) ?? id;
    byPath.set(path, known);
    return known;
  };

  const entries = new Map<string, CertificateEntry>();
  const absent: AbsentCertificate[] = [];
  for (const definition of CERTIFICATES) {
    const { id } = definition;
    const servedNames: ServedNames | undefined = 'servedNames' in definition ? definition.servedNames : undefined;
    const located = await locate(definition, survey);
    if ('reason' in located) {
      absent.push({ id, reason: located.reason });
      continue;
    }
    const entry: CertificateEntry = {
      ...located,
      id,
      definition,
      alsoServesAs: [],
      authority: authorityOf(definition.authority),
      usages: definition.usages,
      names: readServedNames(servedNames, input.components, servers),
      store: located.store,
    };
    const place = placeName(entry);
    const same = entries.get(place);
    entries.set(place, same === undefined ? entry : merge(same, entry));
  }

  const { only } = input;
  const certificates = [...entries.values()].filter(
    ({ id, alsoServesAs }) => only === undefined || [id, ...alsoServesAs].some((each) => only.includes(each)),
  );
  const authorities: AuthorityEntry[] = [];
  for (const [path, id] of byPath) {
    if (certificates.some(({ authority }) => authority === id)) {
      authorities.push(await inspectAuthority(id, path, input.components, deps.host));
    }
  }
  return { input, certificates, authorities, absent };
}
