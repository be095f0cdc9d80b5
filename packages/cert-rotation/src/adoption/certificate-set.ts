import {
  decodeKubeconfig,
  type KubeconfigCredential,
  readKubeconfigTrust,
  readKubeconfigUsers,
  recognizableText,
} from '@kube-rescue/node-config';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import {
  type Certificate,
  hasPemLine,
  isSameKey,
  parseCertificate,
  parsePrivateKey,
  readPem,
  straightenPem,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { PkiError } from '../errors.ts';

/** A certificate of a set, with its location in the set. */
export interface SetCertificate {
  readonly path: HostPath;
  readonly certificate: Certificate;
}

/** A private key of a set. Secret: never printed. */
interface SetKey {
  readonly path: HostPath;
  readonly key: KeyObject;
}

/** A kubeconfig of a set, with the CAs of each of its clusters: a bundle of an old and a new one is a stage of a rotation. */
interface SetKubeconfig {
  readonly path: HostPath;
  readonly clusters: readonly (readonly Certificate[])[];
}

/** Certificates, keys and kubeconfigs of a directory, recognized by content, not by file names. */
export interface CertificateSet {
  readonly path: HostPath;
  /** Without duplicates, CAs and leaves alike. */
  readonly certificates: readonly SetCertificate[];
  readonly keys: readonly SetKey[];
  readonly kubeconfigs: readonly SetKubeconfig[];
  /** Files that look like a certificate, key or kubeconfig and cannot be parsed. */
  readonly damaged: readonly string[];
}

export type SetReader = Pick<HostFiles, 'readFile' | 'readLink' | 'list' | 'stat'>;

const MAX_DEPTH = 8;
const MAX_FILES = 5_000;
/** A certificate has 2 KB; a much larger file holds none and is not read. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Heap {
  readonly certificates: Map<string, SetCertificate>;
  readonly keys: SetKey[];
  readonly kubeconfigs: SetKubeconfig[];
  readonly damaged: string[];
}

/**
 * The kubelet names its current certificate by a link with an absolute target. In a copy of its directory that link means the
 * file beside it, which is read anyway; followed, it would bring in a file of this node that has the same name.
 */
function isCopiedLink(target: string, name: string, beside: readonly string[]): boolean {
  const meant = target.slice(target.lastIndexOf('/') + 1);
  return target.startsWith('/') && meant !== name && beside.includes(meant);
}

async function listFiles(directory: HostPath, files: SetReader, depth = 0): Promise<readonly HostPath[]> {
  const found: HostPath[] = [];
  const names = (await files.list(directory)) ?? [];
  for (const name of names) {
    const path = joinPath(directory, name);
    const stat = await files.stat(path);
    if (stat?.kind === 'symlink' && isCopiedLink((await files.readLink(path)) ?? '', name, names)) continue;
    if (stat?.kind === 'directory' && depth < MAX_DEPTH) found.push(...(await listFiles(path, files, depth + 1)));
    else if (stat?.kind === 'symlink' || (stat?.kind === 'file' && stat.size <= MAX_BYTES)) found.push(path);
    if (found.length > MAX_FILES) throw tooMany(directory);
  }
  return found;
}

function tooMany(directory: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_SET_UNFIT',
    message: `more than ${MAX_FILES} files in the directory, so it is not a certificate set`,
    subject: directory,
    hint: 'give a directory that holds only the certificates',
  });
}

function addPem(text: string, path: HostPath, heap: Heap): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (const block of readPem(text, path)) {
    if (block.label === 'CERTIFICATE') {
      const certificate = parseCertificate(block.der, path);
      certificates.push(certificate);
      const { fingerprint256 } = certificate.x509;
      if (!heap.certificates.has(fingerprint256)) heap.certificates.set(fingerprint256, { path, certificate });
    } else if (block.label.endsWith('PRIVATE KEY')) {
      const { key } = parsePrivateKey(block.text, path);
      if (!heap.keys.some((known) => isSameKey(known.key, key))) heap.keys.push({ path, key });
    }
  }
  return certificates;
}

function addKubeconfig(bytes: Uint8Array, path: HostPath, heap: Heap): void {
  const source = decodeKubeconfig(bytes, path);
  const embedded = (part: KubeconfigCredential | undefined): string | undefined =>
    part?.in === 'kubeconfig' ? part.text : undefined;
  for (const { certificate, key } of readKubeconfigUsers(source, path)) {
    for (const text of [embedded(certificate), embedded(key)]) if (text !== undefined) addPem(text, path, heap);
  }
  const bundles = readKubeconfigTrust(source, path).map(embedded);
  const clusters = bundles.filter((bundle) => bundle !== undefined).map((bundle) => addPem(bundle, path, heap));
  heap.kubeconfigs.push({ path, clusters });
}

const KUBECONFIG = /^[ \t]*"?kind"?[ \t]*:[ \t]*"?Config"?[ \t]*,?[ \t\r]*$/m;

async function addFile(path: HostPath, files: SetReader, heap: Heap): Promise<void> {
  try {
    const bytes = await files.readFile(path);
    if (bytes === undefined) return;
    const read = recognizableText(bytes);
    const text = straightenPem(read) ?? read;
    // A patch or manifest may quote PEM in a field; a PEM file begins a line with it.
    if (hasPemLine(text) && !KUBECONFIG.test(text)) addPem(text, path, heap);
    else if (KUBECONFIG.test(text)) addKubeconfig(bytes, path, heap);
    else if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x81) {
      const certificate = parseCertificate(bytes, path);
      heap.certificates.set(certificate.x509.fingerprint256, { path, certificate });
    }
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    heap.damaged.push(`${path}: ${describeError(error)}`);
  }
}

/**
 * Reads every certificate, private key and kubeconfig below a directory. Does not verify them.
 *
 * Takes at most 5,000 files of 4 MiB, eight directories deep; larger or deeper files are ignored.
 * @throws PkiError `PKI_SET_UNFIT` when the directory does not exist or holds too many files
 */
export async function readCertificateSet(path: HostPath, files: SetReader): Promise<CertificateSet> {
  if ((await files.list(path)) === undefined) {
    throw new PkiError({
      code: 'PKI_SET_UNFIT',
      message: 'the directory does not exist',
      subject: path,
      hint: 'give the directory that holds the certificates',
    });
  }
  const heap: Heap = { certificates: new Map(), keys: [], kubeconfigs: [], damaged: [] };
  for (const file of await listFiles(path, files)) await addFile(file, files, heap);
  const { keys, kubeconfigs, damaged } = heap;
  return { path, certificates: [...heap.certificates.values()], keys, kubeconfigs, damaged };
}
