import type { Usage } from '@kube-rescue/x509';
import type { ComponentFlags, ContextChoice, FileReader } from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import { type CaEntry, inspectCa, locateCa } from './ca-inventory.ts';
import {
  CA_DEFINITIONS,
  type CaId,
  CERTIFICATES,
  type CertificateDefinition,
  type CertificateId,
  type ServedNames,
} from './catalogue.ts';
import { readContextChoice } from './cluster-context.ts';
import {
  contextChoiceOf,
  isAtKubeadmPath,
  locateCertificate,
  locateCertificatesDirectory,
  locateKubeconfig,
  type NodeSurvey,
  readKubeconfig,
} from './certificate-locating.ts';
import type { Credentials } from './certificate-location.ts';
import { PkiError } from '../errors.ts';
import type { KubeletStore } from './kubelet-inventory.ts';
import { findKeyLoss, findLoss, type Loss } from './loss.ts';
import { readServedNames } from './served-names.ts';

/** The node that is to be read. */
export interface InspectionInput {
  /** The components of this node; one that is left out leaves its certificates out. */
  readonly components: readonly ComponentFlags[];
  /** Usually `/etc/kubernetes`. */
  readonly kubernetesDirectory: HostPath;
  /** kubeadm's `certificatesDir`. Default: the directory of the API server's `--client-ca-file`. */
  readonly certificatesDirectory?: HostPath | undefined;
  /**
   * Only these certificates and their CAs. A pair with a further purpose is then checked for these alone.
   * Default: all.
   */
  readonly only?: readonly CertificateId[] | undefined;
}

/** One certificate of the node, its location and requirements. */
export interface CertificateEntry extends Credentials {
  readonly id: CertificateId;
  readonly definition: CertificateDefinition;
  /** Other certificates of the catalogue in the same file. */
  readonly alsoServesAs: readonly CertificateId[];
  /** The CA that must have signed it; `undefined` for a self-signed certificate. */
  readonly ca: CaId | undefined;
  readonly usages: readonly Usage[];
  /** DNS names and addresses that its clients dial. */
  readonly names: readonly string[];
  /** The kubelet's certificate store, for the certificate in it. */
  readonly store: KubeletStore | undefined;
  /** Its files are where kubeadm writes them. */
  readonly isKubeadms: boolean;
  /** How its file was lost; its content can be made from scratch then. */
  readonly loss: Loss | undefined;
  /** How the key alone was lost, in a file of its own. */
  readonly keyLoss: Loss | undefined;
  /** Which context of a kubeconfig holds it. */
  readonly contextChoice: ContextChoice;
}

/** A certificate of the catalogue that this node does not have. */
export interface AbsentCertificate {
  readonly id: CertificateId;
  /** For example `no etcd on this node`. */
  readonly reason: string;
  /** How to get it, where it is not on another node. */
  readonly hint?: string | undefined;
}

export interface CertificateInventory {
  /** The input, so that a step can inspect again. */
  readonly input: InspectionInput;
  readonly certificates: readonly CertificateEntry[];
  readonly cas: readonly CaEntry[];
  readonly absent: readonly AbsentCertificate[];
}

/** A file for people alone that is not there: some administrators remove it on purpose, so nothing waits for it. */
export function isRemoved({ loss, definition }: Pick<CertificateEntry, 'loss' | 'definition'>): boolean {
  return loss === 'missing' && definition.component === undefined;
}

function assertKnownIds(only: readonly string[]): void {
  const unknown = only.filter((id) => !CERTIFICATES.some((definition) => definition.id === id));
  if (unknown.length === 0) return;
  throw new PkiError({
    code: 'PKI_CERTIFICATE_UNKNOWN',
    message: 'unknown certificate id',
    subject: unknown.join(', '),
    hint: `choose from ${CERTIFICATES.map(({ id }) => id).join(', ')}`,
  });
}

/** Nothing found is no good news: a monitor would stay green for ever. */
function noCertificates(subject: string): PkiError {
  return new PkiError({
    code: 'PKI_NODE_NOT_FOUND',
    message: 'no certificate of a Kubernetes node was found, by flags of its components or in kubeconfigs',
    subject,
    hint: 'check the directory, and give the components of the node',
  });
}

function locationKey({ certificateLocation }: Credentials): string {
  return `${certificateLocation.path}#${certificateLocation.in}`;
}

function merge(first: CertificateEntry, second: CertificateEntry): CertificateEntry {
  return {
    ...first,
    alsoServesAs: [...first.alsoServesAs, second.id],
    usages: [...new Set([...first.usages, ...second.usages])],
    names: [...new Set([...first.names, ...second.names])],
  };
}

/** Server names of this node's kubeconfigs; the entry of a damaged kubeconfig reports the damage. */
async function readServerNames(survey: NodeSurvey): Promise<readonly string[]> {
  const kubeconfigs = await Promise.all(
    CERTIFICATES.flatMap((definition) => {
      const path = locateKubeconfig(definition, survey);
      return path === undefined ? [] : [readKubeconfig(survey, path, contextChoiceOf(definition, survey))];
    }),
  );
  return kubeconfigs.flatMap((kubeconfig) => (kubeconfig.ok ? [kubeconfig.value?.serverName ?? ''] : []));
}

/** CAs that share one file are one: the first. */
function shareCas(survey: NodeSurvey): ReadonlyMap<CaId, CaId> {
  const { components, certificatesDirectory } = survey;
  const located = CA_DEFINITIONS.map(({ id }) => ({ id, path: locateCa(id, components, certificatesDirectory) }));
  return new Map(located.map(({ id, path }) => [id, located.find((other) => other.path === path)?.id ?? id]));
}

/**
 * Finds the certificates of a node by its components' flags and its kubeconfigs, and reads them with their keys and
 * CAs. Reads only; does not verify (see `judgeCertificate`).
 *
 * A damaged file becomes an entry with an error, so that it does not hide the others. A pair that serves two purposes is
 * one entry.
 * @throws PkiError `PKI_NODE_NOT_FOUND` where no certificate of a node is found, `PKI_CERTIFICATE_UNKNOWN` for an id in `only`; HostError `HOST_PATH_INVALID` for a relative path in a flag
 */
export async function inspectCertificates(
  input: InspectionInput,
  { host }: { readonly host: FileReader },
): Promise<CertificateInventory> {
  assertKnownIds(input.only ?? []);
  const { components, kubernetesDirectory } = input;
  const certificatesDirectory =
    input.certificatesDirectory ?? locateCertificatesDirectory(components, kubernetesDirectory);
  const locations = { components, kubernetesDirectory, certificatesDirectory };
  const contextChoice = await readContextChoice(input, { host });
  const survey: NodeSurvey = { ...locations, reader: host, contextChoice, kubeconfigs: new Map() };
  const caIds = shareCas(survey);

  const entries = new Map<string, CertificateEntry>();
  const absent: AbsentCertificate[] = [];
  for (const definition of CERTIFICATES.filter(({ id }) => input.only?.includes(id) ?? true)) {
    const { id, ca, usages } = definition;
    const servedNames: ServedNames | undefined = 'servedNames' in definition ? definition.servedNames : undefined;
    const located = await locateCertificate(definition, survey);
    if ('reason' in located) {
      absent.push({ id, ...located });
      continue;
    }
    const serverNames = servedNames === 'apiserver' ? await readServerNames(survey) : [];
    const entry: CertificateEntry = {
      ...located,
      id,
      definition,
      alsoServesAs: [],
      ca: ca === undefined ? undefined : caIds.get(ca),
      usages,
      names: readServedNames(servedNames, components, serverNames),
      store: located.store,
      isKubeadms: isAtKubeadmPath(definition, located, survey),
      loss: await findLoss(located, host),
      keyLoss: await findKeyLoss(located, host),
      contextChoice: contextChoiceOf(definition, survey),
    };
    const same = entries.get(locationKey(entry));
    entries.set(locationKey(entry), same === undefined ? entry : merge(same, entry));
  }

  const certificates = [...entries.values()];
  if (certificates.length === 0 && input.only === undefined) throw noCertificates(kubernetesDirectory);
  const needed = CA_DEFINITIONS.filter(({ id }) => certificates.some(({ ca }) => ca === id));
  const cas = await Promise.all(
    needed.map(({ id }) => inspectCa(id, locateCa(id, components, certificatesDirectory), input, host)),
  );
  return { input, certificates, cas, absent };
}
