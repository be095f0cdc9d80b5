import { type ComponentFlags, type FileReader, findFlag, readNamedFile } from '@kube-rescue/node-config';
import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { type Certificate, findBundleFault, isKeyOf, parseCertificates, parsePrivateKey } from '@kube-rescue/x509';
import { CA_DEFINITIONS, type CaDefinition, type CaId } from './catalogue.ts';
import { PkiError } from '../errors.ts';
import { type CaKey, explainLostCa, findLostCa, type LostCa } from './lost-ca.ts';
import { attempt, attemptPem, type Reading } from './reading.ts';
import type { FlagSurvey } from './trusting-files.ts';

/** The signing certificate of a CA, and its key. */
export interface Issuer extends CaKey {
  readonly certificate: Certificate;
}

/** One CA of the node. */
export interface CaEntry {
  readonly id: CaId;
  readonly definition: CaDefinition;
  /** Its certificate, or a bundle of an old and a new one. */
  readonly path: HostPath;
  readonly bundle: Reading<readonly Certificate[]>;
  /** The certificate of the bundle with a key on this node. */
  readonly issuer: Reading<Issuer>;
  /** How its file was lost; `undefined`: it was not. */
  readonly lost: LostCa | undefined;
}

/** The file of a CA's certificate, by the flags. */
export function locateCa(id: CaId, components: readonly ComponentFlags[], certificatesDirectory: HostPath): HostPath {
  const { certificateFlags, baseName } = definitionOf(id);
  const named = certificateFlags.map((reference) => findFlag(components, reference)).find((path) => path !== undefined);
  return named === undefined ? joinPath(certificatesDirectory, `${baseName}.crt`) : hostPath(named);
}

function definitionOf(id: CaId): CaDefinition {
  const definition = CA_DEFINITIONS.find((ca) => ca.id === id);
  if (definition === undefined) throw new Error(`no CA ${id} in the catalogue`);
  return definition;
}

function keyPaths(definition: CaDefinition, path: HostPath, components: readonly ComponentFlags[]): HostPath[] {
  const named = definition.keyFlags.map((reference) => findFlag(components, reference));
  const beside = /\.(?:crt|cert|pem)$/.test(path) ? path.replace(/\.[a-z]+$/, '.key') : `${path}.key`;
  return [...new Set([...named.filter((key) => key !== undefined), beside].map(hostPath))];
}

/**
 * Whether a file may hold one certificate only: kube-controller-manager exits when its signing certificate is a bundle
 * ("expected exactly one certificate", Kubernetes `pkg/controller/certificates/signer/ca_provider.go`). kubeadm uses the same
 * file to verify clients.
 */
export function holdsOneCertificate(path: HostPath, components: readonly ComponentFlags[]): boolean {
  return findFlag(components, { component: 'kube-controller-manager', flag: 'cluster-signing-cert-file' }) === path;
}

/** Path of a CA's key, present or missing. */
export function caKeyPath(ca: CaEntry, components: readonly ComponentFlags[]): HostPath {
  if (ca.issuer.ok) return ca.issuer.value.keyPath;
  const [path] = keyPaths(ca.definition, ca.path, components);
  return path ?? hostPath(`${ca.path}.key`);
}

interface CaFiles {
  readonly definition: CaDefinition;
  readonly path: HostPath;
  readonly keys: readonly HostPath[];
  readonly components: readonly ComponentFlags[];
}

async function findIssuer(
  reader: FileReader,
  bundle: readonly Certificate[],
  { definition, path, keys, components }: CaFiles,
): Promise<Issuer> {
  const foreign: HostPath[] = [];
  for (const keyPath of keys) {
    if ((await reader.readFile(keyPath)) === undefined) continue;
    const { key } = parsePrivateKey(await readNamedFile(reader, keyPath, 'PKI_CA_KEY_MISSING'), keyPath);
    // A CA reissued with the same key is twice in its bundle: the certificate with the later notAfter signs.
    const [certificate] = bundle
      .filter((candidate) => isKeyOf(key, candidate))
      .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
    if (certificate !== undefined) return { certificate, key, keyPath };
    foreign.push(keyPath);
  }
  if (foreign[0] !== undefined) {
    throw new PkiError({
      code: 'PKI_CA_KEY_MISMATCH',
      message: `the ${definition.name} key does not belong to the certificate in ${path}`,
      subject: foreign[0],
      hint: `put the key for the certificate in ${path} at ${foreign[0]}`,
    });
  }
  if (await isWorker(reader, path, components)) throw keyElsewhere(definition, path);
  throw new PkiError({
    code: 'PKI_CA_KEY_MISSING',
    message: `the ${definition.name} key is missing`,
    subject: keys[0] ?? path,
    hint: `put the key of the ${definition.name} at ${keys[0]}, or renew the certificates where the key is: \`kube-rescue certs csr export requests\`, sign the requests there, then \`kube-rescue certs csr import requests\``,
  });
}

/** Only the kubelet runs here, and kubeadm has made no certificate of an API server: a worker has the CA without its key. */
async function isWorker(reader: FileReader, ca: HostPath, components: readonly ComponentFlags[]): Promise<boolean> {
  if (components.length === 0 || components.some(({ component }) => component !== 'kubelet')) return false;
  return (await reader.readFile(joinPath(parentPath(ca), 'apiserver.crt'))) === undefined;
}

function keyElsewhere(definition: CaDefinition, path: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_CA_KEY_ELSEWHERE',
    message: `this node is a worker: the ${definition.name} key is on the control-plane nodes, and stays there`,
    subject: path,
    hint: 'on a control-plane node: `kubeadm kubeconfig user --org system:nodes --client-name system:node:NAME` writes a new kubelet.conf for this node; or `kubeadm token create --print-join-command`, then join it again',
  });
}

/** The programs that read the file of a CA. */
const READERS = { cluster: 'client-go', 'front-proxy': 'client-go', etcd: 'etcd', 'etcd-peer': 'etcd' } as const;

/** The keys of a CA that can be read. */
async function readKeys(paths: readonly HostPath[], reader: FileReader): Promise<readonly CaKey[]> {
  const keys: CaKey[] = [];
  for (const keyPath of paths) {
    const read = await attempt(async () =>
      parsePrivateKey(await readNamedFile(reader, keyPath, 'PKI_CA_KEY_MISSING'), keyPath),
    );
    if (read.ok) keys.push({ key: read.value.key, keyPath });
  }
  return keys;
}

/**
 * Reads a CA's bundle and finds the key that belongs to one of its certificates, by comparing public keys. Where its file was
 * lost, looks for a copy in the other files of the node that trust it.
 */
export async function inspectCa(id: CaId, path: HostPath, survey: FlagSurvey, reader: FileReader): Promise<CaEntry> {
  const definition = definitionOf(id);
  const { components } = survey;
  const bundle = await attemptPem(
    () => readNamedFile(reader, path, 'PKI_CA_MISSING'),
    (text): readonly Certificate[] => parseCertificates(text, path),
    (text) => findBundleFault(text, READERS[id]),
  );
  const keys = keyPaths(definition, path, components);
  if (bundle.ok) {
    const issuer = await attempt(() => findIssuer(reader, bundle.value, { definition, path, keys, components }));
    return { id, definition, path, bundle, issuer, lost: undefined };
  }
  const lost = await findLostCa({ path, keys: await readKeys(keys, reader) }, survey, reader);
  const unread = { ok: false, error: explainLostCa(bundle.error, { name: definition.name, path }, lost) } as const;
  return { id, definition, path, bundle: unread, issuer: unread, lost };
}
