import { decodeKubeconfig, readKubeconfigTrust, replaceKubeconfigTrust } from '@kube-rescue/node-config';
import { isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  type Certificate,
  containsCertificates,
  encodePem,
  isSameCa,
  isSameCertificate,
  parseCertificate,
  readPem,
  replacePemBlocks,
} from '@kube-rescue/x509';
import { CERTIFICATES } from '../inventory/catalogue.ts';
import { locateKubeconfig } from '../inventory/certificate-locating.ts';
import type { InspectionInput } from '../inventory/inventory.ts';

/** A file of this node that trusts a CA: PEM, or a kubeconfig that embeds PEM. */
export interface TrustLocation {
  readonly in: 'file' | 'kubeconfig';
  readonly path: HostPath;
  /** Certificates of that CA in the file, without the other CAs of a bundle. */
  readonly certificates: readonly Certificate[];
}

type Files = Pick<HostFiles, 'readFile' | 'list'>;

const KUBECONFIG_FLAGS = [
  'kubeconfig',
  'authentication-kubeconfig',
  'authorization-kubeconfig',
  'bootstrap-kubeconfig',
];
const CERTIFICATE_LABEL = 'CERTIFICATE';

/** Every file in flags; no directories. */
function flaggedFiles({ components }: InspectionInput): readonly HostPath[] {
  const named = components.flatMap(({ flags }) => [...flags]);
  return named
    .filter(([flag, value]) => value.startsWith('/') && !value.includes(',') && !flag.endsWith('-dir'))
    .filter(([flag]) => !KUBECONFIG_FLAGS.includes(flag))
    .map(([, value]) => hostPath(value));
}

/** Kubeconfigs in flags, with a usual name, or in the same directory. */
export async function listKubeconfigs(input: InspectionInput, files: Files): Promise<readonly HostPath[]> {
  const { components, kubernetesDirectory } = input;
  const flagged = components.flatMap(({ flags }) => KUBECONFIG_FLAGS.map((flag) => flags.get(flag) ?? ''));
  const usual = CERTIFICATES.map((definition) => locateKubeconfig(definition, input)).filter(
    (path) => path !== undefined,
  );
  const beside = ((await files.list(kubernetesDirectory)) ?? []).filter((name) => /\.(?:conf|kubeconfig)$/.test(name));
  return [
    ...flagged.filter((path) => path.startsWith('/')).map(hostPath),
    ...usual,
    ...beside.map((name) => joinPath(kubernetesDirectory, name)),
  ];
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

async function orUnreadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    // The owner of this file in the inventory reports the error.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/**
 * Finds the files of a node that hold a certificate of `ca` (same subject, same key): its own file, files in flags and
 * kubeconfigs, and kubeconfigs that embed it. Ignores a file that cannot be read: its own entry in the inventory reports
 * the error.
 */
export async function findTrustLocations(
  ca: Certificate,
  input: InspectionInput & { readonly caPath: HostPath },
  files: Files,
): Promise<readonly TrustLocation[]> {
  const locations = new Map<HostPath, TrustLocation>();
  const pems = new Set<HostPath>([input.caPath, ...flaggedFiles(input)]);
  for (const path of new Set(await listKubeconfigs(input, files))) {
    await orUnreadable(async () => {
      const bytes = await files.readFile(path);
      if (bytes === undefined) return;
      const certificates: Certificate[] = [];
      for (const trust of readKubeconfigTrust(decodeKubeconfig(bytes, path), path)) {
        if (trust.in === 'file') pems.add(trust.path);
        else certificates.push(...matchesIn(trust.text, ca, path));
      }
      if (certificates.length > 0) locations.set(path, { in: 'kubeconfig', path, certificates });
    });
  }
  for (const path of pems) {
    await orUnreadable(async () => {
      const bytes = await files.readFile(path);
      const certificates = bytes === undefined ? [] : matchesIn(Buffer.from(bytes).toString('latin1'), ca, path);
      if (certificates.length > 0) locations.set(path, { in: 'file', path, certificates });
    });
  }
  return [...locations.values()];
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
 */
export function renderTrustLocation(
  location: TrustLocation,
  bytes: Uint8Array,
  old: Certificate,
  replacement: readonly Certificate[] = [old],
): Uint8Array {
  const { path } = location;
  const renew = (pem: string): string => renewBundle(pem, path, old, replacement);
  if (location.in === 'file') return Buffer.from(renew(Buffer.from(bytes).toString('latin1')), 'latin1');
  return Buffer.from(replaceKubeconfigTrust(decodeKubeconfig(bytes, path), path, renew));
}
