import { decodeKubeconfig, parseKubeconfig, readConfigurationTexts } from '@kube-rescue/node-config';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import type { Edit } from '@kube-rescue/workflow';
import { parseCertificate, parsePrivateKey, readPem } from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';
import { detectFormat, readTrustTexts, type TrustFormat } from './trust-format.ts';

/** Parses every block of a PEM text; returns the kinds of content. */
function readBlocks(text: string, path: HostPath): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const { label, der, text: block, encrypted } of readPem(text, path)) {
    if (label === 'CERTIFICATE') parseCertificate(der, path);
    if (label.endsWith('PRIVATE KEY') && !encrypted) parsePrivateKey(block, path);
    kinds.add(label.endsWith('PRIVATE KEY') ? 'private key' : label.toLowerCase());
  }
  return kinds;
}

/** What a file holds, as its reader parses it. @throws X509Error NodeConfigError when its reader cannot */
function readAs(format: TrustFormat, bytes: Uint8Array, path: HostPath): ReadonlySet<string> {
  if (format === 'file') return readBlocks(Buffer.from(bytes).toString('latin1'), path);
  const source = decodeKubeconfig(bytes, path);
  for (const pem of readTrustTexts(bytes, format, path)) readBlocks(pem, path);
  if (format === 'configuration')
    return new Set(readConfigurationTexts(source, path).map(({ keys }) => keys.join('.')));
  const { certificate, key } = parseKubeconfig(source, path);
  for (const part of [certificate, key]) if (part?.in === 'kubeconfig') readBlocks(part.text, path);
  return new Set(['client certificate', 'client key'].filter((_, at) => [certificate, key][at] !== undefined));
}

function contentOf(format: TrustFormat, bytes: Uint8Array, path: HostPath): ReadonlySet<string> | undefined {
  try {
    return readAs(format, bytes, path);
  } catch (error) {
    // A file that is damaged now has nothing to lose.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

function refuse(path: HostPath, reason: string, cause?: unknown): PkiError {
  return new PkiError({
    code: 'PKI_WRITE_REFUSED',
    message: `not written: the new content of the file is damaged: ${reason}`,
    subject: path,
    hint: 'nothing was changed; report it with the output of `kube-rescue triage`',
    cause,
  });
}

/** @throws PkiError `PKI_WRITE_REFUSED` */
function assertContent(path: HostPath, before: Uint8Array | undefined, after: Uint8Array): void {
  const old = before === undefined ? undefined : detectFormat(before);
  const format = detectFormat(after);
  if (format === undefined && old === undefined && !/\.(?:crt|key|pem|conf)$/.test(path)) return;
  // A key alone is PEM without a certificate.
  const as = old ?? format ?? 'file';
  if (format !== undefined && format !== as) throw refuse(path, `it was a ${as}, and is a ${format}`);
  let written: ReadonlySet<string>;
  try {
    written = readAs(as, after, path);
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    // What its reader could not parse before is no fault of this write.
    if (before !== undefined && as !== 'file' && contentOf(as, before, path) === undefined) return;
    throw refuse(path, describeError(error), error);
  }
  const had = before === undefined ? undefined : contentOf(as, before, path);
  const lost = [...(had ?? [])].filter((each) => !written.has(each));
  if (lost.length > 0) throw refuse(path, `it has lost its ${lost.join(', ')}`);
}

/**
 * Parses every new file as what it is, before it replaces anything: PEM, kubeconfig, YAML or JSON. It must be of the format
 * that it had, and hold what it held; a lost file held nothing.
 *
 * @throws PkiError `PKI_WRITE_REFUSED`, and nothing is written
 */
export async function proveEdits(
  edits: readonly Edit[],
  files: Pick<HostFiles, 'readFile'>,
  { replacesLost = false }: { readonly replacesLost?: boolean } = {},
): Promise<readonly Edit[]> {
  for (const { change, material } of edits) {
    if (change.kind !== 'file.replace' || material === undefined) continue;
    const path = hostPath(change.target);
    assertContent(path, replacesLost ? undefined : await files.readFile(path), material);
  }
  return edits;
}
