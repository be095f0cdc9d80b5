import { decodeKubeconfig, hostPathOf, readConfigurationTexts, readKubeconfigTrust } from '@kube-rescue/node-config';
import { type HostFiles, type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import {
  type Certificate,
  containsCertificates,
  encodePem,
  isSameCa,
  isSameCertificate,
  parseCertificate,
  readPem,
  replacePemBlocks,
  straightenPem,
} from '@kube-rescue/x509';
import type { InspectionInput } from '../inventory/inventory.ts';
import { attempt } from '../inventory/reading.ts';
import { flaggedFiles, type NamedFile, namedKubeconfigs } from '../inventory/trusting-files.ts';
import {
  detectFormat,
  directoriesNamedIn,
  filesNamedIn,
  isStaticManifest,
  readTrustTexts,
  replaceTrust,
  type TrustFormat,
} from './trust-format.ts';

/** A file of this node that trusts a CA, in one of the formats that can be changed. */
export interface TrustLocation {
  readonly in: TrustFormat;
  readonly path: HostPath;
  /** Certificates of that CA in the file, without the other CAs of a bundle. */
  readonly certificates: readonly Certificate[];
  /** PEM that Go cannot read for blanks or line ends alone. */
  readonly isMisshapen: boolean;
}

/** A file, or a flag, that holds a CA and cannot be changed by this program. */
export interface UneditableTrust {
  /** The file; for a flag without a known file, the flag. */
  readonly path: string;
  readonly reason: string;
}

/** Every location of a CA on a node. */
export interface TrustSurvey {
  readonly locations: readonly TrustLocation[];
  /** Named, never changed; usually empty. */
  readonly uneditable: readonly UneditableTrust[];
}

type Files = Pick<HostFiles, 'readFile' | 'list'>;

/** Flags that name one file with CAs (kube-apiserver, kube-controller-manager, kubelet and etcd, `--help`). */
const CA_FILE_FLAG =
  /^(?:(?:requestheader-)?client-ca-file|oidc-ca-file|root-ca-file|etcd-cafile|kubelet-certificate-authority|(?:peer-)?trusted-ca-file|(?:authentication|authorization)-config|(?:admission-control|egress-selector|(?:authentication-token|authorization|audit)-webhook)-config-file)$/;
const CERTIFICATE_LABEL = 'CERTIFICATE';
/** A configuration names a kubeconfig, which names a file; more is a loop. */
const MAX_DEPTH = 4;

/** Flags of CAs with a value that is no path of the host, such as a systemd credential. */
function flagsWithoutFile({ components }: InspectionInput): readonly UneditableTrust[] {
  return components.flatMap(({ component, flags }) =>
    [...flags]
      .filter(([flag, value]) => CA_FILE_FLAG.test(flag) && value !== '' && !value.startsWith('/'))
      .map(([flag, value]) => ({
        path: `--${flag}=${value}`,
        reason: `the flag of ${component} is not an absolute path, so its file is not known`,
      })),
  );
}

/** Kubeconfigs in flags, with a usual name, or in the same directory. */
export async function listKubeconfigs(input: InspectionInput, files: Files): Promise<readonly HostPath[]> {
  const { kubernetesDirectory } = input;
  const beside = ((await files.list(kubernetesDirectory)) ?? []).filter((name) => /\.(?:conf|kubeconfig)$/.test(name));
  return [...namedKubeconfigs(input), ...beside.map((name) => joinPath(kubernetesDirectory, name))];
}

/** Certificates of `ca` in arbitrary text. */
function matchesIn(text: string, ca: Certificate, path: HostPath): readonly Certificate[] {
  if (!containsCertificates(text)) return [];
  return readPem(text, path)
    .filter(({ label, der }) => label === CERTIFICATE_LABEL && mayHold(der, ca))
    .map(({ der }) => parseCertificate(der, path))
    .filter((certificate) => isSameCa(certificate, ca));
}

/** Cheap filter, so that a large bundle is not parsed block by block. */
function mayHold(der: Uint8Array, ca: Certificate): boolean {
  return Buffer.from(der).includes(Buffer.from(ca.publicKeyDer));
}

/** The files of a configuration or kubeconfig, as paths of the host. */
function filesOf(texts: readonly string[], { path, mounts }: NamedFile): readonly NamedFile[] {
  return texts.map((text) => {
    const named = text.startsWith('/') ? hostPath(text) : joinPath(parentPath(path), text);
    return { path: (text.startsWith('/') && mounts && hostPathOf({ mounts }, named)) || named, mounts };
  });
}

/** `--cloud-config` is a file of sections (gcfg) that can name a file with CAs. */
function filesInSections(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*ca-?file[ \t]*=[ \t]*"?(\/[^"\s]+)/gim)].map(([, path = '']) => path);
}

/** Whether a text holds the bytes of a CA in any quoting; decides only which unreadable files are named. */
function mentions(bytes: Uint8Array, ca: Certificate): boolean {
  const compact = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/\\[nrt]|\\u00(?:0[adAD]|20)|\\(?=\/)|[\s\\]/g, '');
  const base64 = Buffer.from(ca.der).toString('base64');
  const pem = encodePem(CERTIFICATE_LABEL, ca.der);
  return compact.includes(base64) || compact.includes(Buffer.from(pem).toString('base64').slice(0, -8));
}

interface Search {
  readonly ca: Certificate;
  readonly files: Files;
  readonly locations: Map<HostPath, TrustLocation>;
  readonly uneditable: Map<string, UneditableTrust>;
  readonly done: Set<HostPath>;
}

/** Reads one file and those that it names. A file that cannot be read has its own entry in the inventory. */
async function search(file: NamedFile, context: Search, depth = 0): Promise<void> {
  const { ca, files, locations, uneditable, done } = context;
  const { path } = file;
  if (done.has(path) || depth > MAX_DEPTH) return;
  done.add(path);
  const read = await attempt(async () => files.readFile(path));
  if (!read.ok || read.value === undefined) return;
  const bytes = read.value;
  const found = await attempt(() => searchBytes(bytes, file, ca));
  if (found.ok && found.value !== undefined) {
    const { format, certificates, names, directories, isMisshapen } = found.value;
    if (certificates.length > 0) locations.set(path, { in: format, path, certificates, isMisshapen });
    for (const next of filesOf(names, file)) await search(next, context, depth + 1);
    for (const directory of filesOf(directories, file)) await searchManifests(directory, context, depth + 1);
    if (certificates.length > 0 || !mentions(bytes, ca)) return;
    uneditable.set(path, { path, reason: 'the certificate is not where the reader of this file finds one' });
    return;
  }
  for (const next of filesOf(filesInSections(Buffer.from(bytes).toString('latin1')), file)) {
    await search(next, context, depth + 1);
  }
  if (!mentions(bytes, ca)) return;
  const reason = found.ok ? 'it is neither PEM nor YAML nor JSON' : found.error.message;
  uneditable.set(path, { path, reason });
}

async function searchManifests(directory: NamedFile, context: Search, depth: number): Promise<void> {
  const listed = await attempt(async () => context.files.list(directory.path));
  for (const name of (listed.ok ? (listed.value ?? []) : []).filter(isStaticManifest)) {
    await search({ ...directory, path: joinPath(directory.path, name) }, context, depth);
  }
}

/** @throws NodeConfigError X509Error when the file cannot be read, or not changed */
function searchBytes(bytes: Uint8Array, { path }: NamedFile, ca: Certificate) {
  const format = detectFormat(bytes);
  if (format === undefined) return undefined;
  const texts = readTrustTexts(bytes, format, path);
  const source = format === 'file' ? '' : decodeKubeconfig(bytes, path);
  const certificates = texts.flatMap((text) => matchesIn(text, ca, path));
  // Proves before any plan that the format takes a bundle.
  if (certificates.length > 0) renderTrustLocation({ in: format, path }, bytes, ca, [ca, ca]);
  const isMisshapen = format === 'file' && straightenPem(Buffer.from(bytes).toString('latin1')) !== undefined;
  const found = format === 'configuration' ? readConfigurationTexts(source, path) : [];
  const names =
    format === 'kubeconfig'
      ? readKubeconfigTrust(source, path).flatMap((trust) => (trust.in === 'file' ? [trust.path] : []))
      : filesNamedIn(found);
  return { format, certificates, names, directories: directoriesNamedIn(found), isMisshapen };
}

/**
 * Finds the files of a node that hold a certificate of `ca` (same subject, same key): its own file, files in flags,
 * kubeconfigs, and the files that those name. A configuration in YAML or JSON counts with its inline PEM
 * (AuthenticationConfiguration), its kubeconfigs (AuthorizationConfiguration, AdmissionConfiguration) and its CA files
 * (EgressSelectorConfiguration), and its directory of webhook configurations (WebhookAdmissionConfiguration); Kubernetes `staging/src/k8s.io/apiserver/pkg/apis/apiserver/v1/types.go` and
 * `v1beta1/types.go`.
 *
 * Ignores a file that cannot be read: its own entry in the inventory reports the error. Names the files that hold the
 * certificate in a form that cannot be changed.
 */
export async function findTrustLocations(
  ca: Certificate,
  input: InspectionInput & { readonly caPath: HostPath },
  files: Files,
): Promise<TrustSurvey> {
  const context: Search = { ca, files, locations: new Map(), uneditable: new Map(), done: new Set() };
  for (const path of await listKubeconfigs(input, files)) await search({ path, mounts: undefined }, context);
  await search({ path: input.caPath, mounts: undefined }, context);
  for (const file of flaggedFiles(input)) await search(file, context);
  return {
    locations: [...context.locations.values()],
    uneditable: [...context.uneditable.values(), ...flagsWithoutFile(input)],
  };
}

/**
 * The files by which flags of one component trust `ca`: those that the flags name, and those that such a file names. Empty where the
 * flags are unset, or trust other CAs. Leaves out directories of webhook configurations, which the API server reloads.
 * @param names without dashes
 */
export async function findFlagTrust(
  ca: Certificate,
  { component, names }: { readonly component: string; readonly names: readonly string[] },
  { components }: Pick<InspectionInput, 'components'>,
  files: Files,
): Promise<readonly HostPath[]> {
  const unlisted: Files = { readFile: (path) => files.readFile(path), list: async () => undefined };
  const context: Search = { ca, files: unlisted, locations: new Map(), uneditable: new Map(), done: new Set() };
  const only = components
    .filter((each) => each.component === component)
    .map((each) => ({ ...each, flags: new Map([...each.flags].filter(([name]) => names.includes(name))) }));
  for (const file of flaggedFiles({ components: only })) await search(file, context);
  return [...context.locations.keys()];
}

function renewBundle(pem: string, path: HostPath, old: Certificate, replacement: readonly Certificate[]): string {
  const lineBreak = pem.includes('\r\n') ? '\r\n' : '\n';
  let isPut = false;
  return replacePemBlocks(pem, path, ({ label, der, text }) => {
    if (label !== CERTIFICATE_LABEL || !mayHold(der, old)) return undefined;
    if (!isSameCa(parseCertificate(der, path), old)) return undefined;
    // The first block becomes all of the replacement; a further copy stays one block.
    if (isPut) return encodeBundle(replacement.slice(0, 1), lineBreak);
    isPut = true;
    const isSame = replacement.length === 1 && isSameCertificate({ der }, replacement[0] ?? { der });
    return isSame ? text : encodeBundle(replacement, lineBreak);
  });
}

function encodeBundle(certificates: readonly Certificate[], lineBreak: string): string {
  const pem = certificates.map(({ der }) => encodePem(CERTIFICATE_LABEL, der)).join('');
  return pem.trimEnd().replaceAll('\n', lineBreak);
}

/**
 * The bytes of a location with `replacement` where a certificate of the CA of `old` was. Other certificates, comments
 * and line breaks stay byte for byte.
 *
 * @param replacement default: `old` itself, which replaces older certificates of the same CA
 * @throws NodeConfigError `CONFIGURATION_UNSUPPORTED` when the format of the file cannot hold it
 */
export function renderTrustLocation(
  location: Pick<TrustLocation, 'in' | 'path'>,
  bytes: Uint8Array,
  old: Certificate,
  replacement: readonly Certificate[] = [old],
): Uint8Array {
  const { in: format, path } = location;
  return replaceTrust({ bytes, format, path }, (pem) => renewBundle(pem, path, old, replacement));
}

/** One line for each location that the operator must change by hand. */
export function describeUneditable(uneditable: readonly UneditableTrust[]): readonly string[] {
  return uneditable.map(({ path, reason }) => `${path} is not changed: ${reason}; replace the CA in it by hand`);
}
