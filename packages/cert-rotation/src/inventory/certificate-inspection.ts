import {
  decodeKubeconfig,
  type FileReader,
  type KubeconfigCredential,
  parseKubeconfig,
  readKubeconfigTrust,
  readNamedFile,
  recognizableText,
} from '@kube-rescue/node-config';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import {
  buildChain,
  type Certificate,
  type CertificateDetails,
  containsPem,
  detailCertificate,
  isKeyOf,
  parseCertificate,
  parseCertificates,
  parsePrivateKey,
  readPem,
} from '@kube-rescue/x509';
import { CA_DEFINITIONS, CERTIFICATES } from './catalogue.ts';
import { PkiError } from '../errors.ts';
import { inspectCertificates, type InspectionInput } from './inventory.ts';
import { attempt } from './reading.ts';
import { parseServerAddress, readServerCertificates } from './server-certificates.ts';

/** One certificate in full, with its location and chain. */
export interface InspectedCertificate extends CertificateDetails {
  /** A file, or `HOST:PORT`. */
  readonly location: string;
  /** Its position among several at that location: `1 of 2`, `client-certificate-data`. */
  readonly part: string;
  /** Whether the private key beside it matches; `null` without a key. */
  readonly keyMatches: boolean | null;
  /** Subjects of the CAs that signed it, nearest first. */
  readonly chain: readonly string[];
  /** Why the chain does not end with a self-signed CA; `null` when it does. */
  readonly chainFlaw: string | null;
}

interface Found {
  readonly location: string;
  readonly part: string;
  readonly certificate: Certificate;
  readonly keyMatches: boolean | null;
}

export interface InspectionRequest {
  /** An id of `certs check`, such as `etcd/server` or `ca/etcd`; a file; or `HOST:PORT`. */
  readonly target: string;
  /** The node, for ids and for the CAs that chains end with. Default: no node. */
  readonly node?: InspectionInput | undefined;
  /** The file that `target` names when it is neither an id nor `HOST:PORT`, and the machine that it is on. */
  readonly file: { readonly path: HostPath; readonly reader: FileReader };
  readonly signal?: AbortSignal | undefined;
}

function numbered(
  certificates: readonly Certificate[],
  location: string,
  keyMatches: (at: number) => boolean | null,
): Found[] {
  return certificates.map((certificate, at) => ({
    location,
    part: `${at + 1} of ${certificates.length}`,
    certificate,
    keyMatches: keyMatches(at),
  }));
}

async function readPemFile(text: string, path: HostPath, reader: FileReader): Promise<readonly Found[]> {
  const certificates = parseCertificates(text, path);
  const beside = path.replace(/\.(?:crt|cert|pem)$/, '.key') as HostPath;
  const holdsKey = readPem(text, path).some(({ label }) => label.endsWith('PRIVATE KEY'));
  const key = await attempt(async () =>
    parsePrivateKey(holdsKey || beside === path ? text : await readNamedFile(reader, beside, 'PKI_KEY_MISSING'), path),
  );
  // A key belongs to the first certificate.
  return numbered(certificates, path, (at) => (at === 0 && key.ok ? isKeyOf(key.value.key, certificates[0]) : null));
}

async function readKubeconfigFile(source: string, path: HostPath, reader: FileReader): Promise<readonly Found[]> {
  const { certificate, key } = parseKubeconfig(source, path);
  const textOf = async (part: KubeconfigCredential): Promise<string> =>
    part.in === 'file' ? readNamedFile(reader, part.path, 'PKI_CERTIFICATE_MISSING') : part.text;
  const found: Found[] = [];
  if (certificate !== undefined) {
    const own = await attempt(async () => parsePrivateKey(await textOf(key ?? certificate), path));
    const [client] = parseCertificates(await textOf(certificate), path);
    const keyMatches = own.ok ? isKeyOf(own.value.key, client) : null;
    const location = certificate.in === 'file' ? certificate.path : path;
    found.push({ location, part: 'client certificate', certificate: client, keyMatches });
  }
  for (const trust of readKubeconfigTrust(source, path)) {
    const certificates = parseCertificates(await textOf(trust), path);
    const location = trust.in === 'file' ? trust.path : path;
    found.push(
      ...numbered(certificates, location, () => null).map((each) => ({ ...each, part: `trusted CA ${each.part}` })),
    );
  }
  return found;
}

async function readFile({ path, reader }: InspectionRequest['file']): Promise<readonly Found[]> {
  const text = await readNamedFile(
    reader,
    path,
    'PKI_CERTIFICATE_MISSING',
    'give a file, HOST:PORT or an id of `kube-rescue certs check`',
  );
  if (containsPem(text)) return readPemFile(text, path, reader);
  const der = Buffer.from(text, 'latin1');
  const content = recognizableText(der);
  if (der[0] === 0x30) return numbered([parseCertificate(der, path)], path, () => null);
  if (
    /^[ \t]*"?(?:clusters|users|contexts|current-context)"?[ \t]*:/m.test(content) ||
    content.trimStart().startsWith('{')
  ) {
    return readKubeconfigFile(decodeKubeconfig(der, path), path, reader);
  }
  // Throws with the defect of the PEM.
  readPem(text, path);
  return [];
}

function isId(target: string): boolean {
  return CERTIFICATES.some(({ id }) => id === target) || CA_DEFINITIONS.some(({ id }) => `ca/${id}` === target);
}

async function readById(target: string, node: InspectionInput, reader: FileReader): Promise<readonly Found[]> {
  const inventory = await inspectCertificates(node, { host: reader });
  const ca = inventory.cas.find(({ id }) => `ca/${id}` === target);
  if (ca !== undefined) {
    if (!ca.bundle.ok) throw ca.bundle.error;
    const { issuer } = ca;
    return numbered(ca.bundle.value, ca.path, (at) =>
      issuer.ok && ca.bundle.ok ? ca.bundle.value[at] === issuer.value.certificate || null : null,
    );
  }
  const entry = inventory.certificates.find(({ id, alsoServesAs }) => id === target || alsoServesAs.includes(id));
  if (entry === undefined) {
    throw new PkiError({
      code: 'PKI_CERTIFICATE_MISSING',
      message: inventory.absent.find(({ id }) => id === target)?.reason ?? 'this node has no such certificate',
      subject: target,
      hint: 'list the certificates of this node with `kube-rescue certs check`',
    });
  }
  if (!entry.certificate.ok) throw entry.certificate.error;
  const certificate = entry.certificate.value;
  const keyMatches = entry.key.ok ? isKeyOf(entry.key.value.key, certificate) : null;
  return [{ location: entry.certificateLocation.path, part: '1 of 1', certificate, keyMatches }];
}

/**
 * Reads the certificates of one location in full: an id of this node, a file (PEM, DER, kubeconfig) or a TLS server.
 * Builds chains from them and from this node's CAs.
 *
 * @throws PkiError `PKI_CERTIFICATE_MISSING` `PKI_PEM_INVALID` `PKI_CERTIFICATE_INVALID` `PKI_KUBECONFIG_INVALID`
 * `PKI_SERVER_SILENT`; HostError
 */
export async function inspectLocation(
  request: InspectionRequest,
  { host, clock }: { readonly host: FileReader & Pick<Host, 'connect'>; readonly clock: Pick<Clock, 'now'> },
): Promise<readonly InspectedCertificate[]> {
  const { target, node, file, signal } = request;
  const now = clock.now();
  const address = parseServerAddress(target);
  const find = async (): Promise<readonly Found[]> => {
    if (isId(target) && node !== undefined) return readById(target, node, host);
    if (address === undefined) return readFile(file);
    return numbered(await readServerCertificates(address, { host }, signal), target, () => null);
  };
  const found = await find();
  const inventory = node === undefined ? undefined : await attempt(() => inspectCertificates(node, { host }));
  const cas = inventory?.ok === true ? inventory.value.cas : [];
  const known = [
    ...found.map(({ certificate }) => certificate),
    ...cas.flatMap(({ bundle }) => (bundle.ok ? bundle.value : [])),
  ];
  return found.map(({ location, part, certificate, keyMatches }) => {
    const { certificates, flaw } = buildChain(certificate, known);
    const chain = certificates.slice(1).map((each) => detailCertificate(each, now).subject);
    return { location, part, ...detailCertificate(certificate, now), keyMatches, chain, chainFlaw: flaw ?? null };
  });
}
