import { isRecoveryError } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import {
  createSigningRequest,
  encodePem,
  encodePrivateKey,
  generateKey,
  generateKeyLike,
  isKeyOf,
  type NewKeyAlgorithm,
  type PrivateKey,
  usualKeyLabel,
} from '@kube-rescue/x509';
import { PkiError } from '../errors.ts';
import { PRIVATE_KEY_MODE } from './file-target.ts';
import { assertFree } from './free-paths.ts';
import { type CertificateEntry, type CertificateInventory, isRemoved } from '../inventory/inventory.ts';
import { assertSignable, findShortfall } from '../judgement/judgement.ts';

/** A written signing request. */
export interface ExportedRequest {
  readonly id: string;
  readonly path: string;
  /** The new key's file; `null` when the certificate keeps its key. */
  readonly keyPath: string | null;
  readonly subject: string;
}

export interface RequestExport {
  readonly inventory: CertificateInventory;
  /** Directory of the requests; created when it does not exist. */
  readonly directory: HostPath;
  /** Requests certificates with new keys, and writes the keys beside the requests. Default: the keys stay. */
  readonly newKeys?: boolean | undefined;
  /** Algorithm of new keys. Default: that of the old keys. */
  readonly keyAlgorithm?: NewKeyAlgorithm | undefined;
}

const REQUEST_MODE = 0o644;
const DIRECTORY_MODE = 0o700;
const EXISTS = {
  message: 'nothing was written: the files of an earlier export exist',
  hint: 'import the signed certificates of that export, or export into another directory',
};

function obstacleOf(entry: CertificateEntry, newKeys: boolean, inventory: CertificateInventory): string | undefined {
  const { name } = entry.definition;
  if (!entry.certificate.ok) return `${name}: ${entry.certificate.error.message}`;
  try {
    assertSignable(entry, inventory, { keepsKey: false });
  } catch (error) {
    if (isRecoveryError(error)) return error.message;
    throw error;
  }
  if (newKeys) return undefined;
  if (!entry.key.ok) return `${name}: ${entry.key.error.message}`;
  return isKeyOf(entry.key.value.key, entry.certificate.value)
    ? undefined
    : `${name}: the key belongs to another certificate`;
}

async function keyFor(entry: CertificateEntry, { newKeys = false, keyAlgorithm }: RequestExport): Promise<PrivateKey> {
  if (!entry.certificate.ok) throw entry.certificate.error;
  const path = entry.keyLocation.path;
  if (!newKeys && entry.key.ok) return entry.key.value;
  const { publicKey } = entry.certificate.value.x509;
  const key = keyAlgorithm === undefined ? await generateKeyLike(publicKey, path) : await generateKey(keyAlgorithm);
  return { key, label: usualKeyLabel(key) };
}

/**
 * Writes a signing request for every certificate of an inventory that a CA signs, made from the certificate in use:
 * same subject, names and usages, and the missing names. Changes nothing on the node.
 *
 * @throws PkiError `PKI_REQUEST_EXISTS`; `PKI_REQUEST_IMPOSSIBLE` with every reason at once; HostError
 */
export async function exportSigningRequests(
  request: RequestExport,
  { files }: { readonly files: Pick<HostFiles, 'stat' | 'writeFile' | 'makeDirectory'> },
): Promise<readonly ExportedRequest[]> {
  const { inventory, directory, newKeys = false } = request;
  const entries = inventory.certificates.filter((entry) => entry.ca !== undefined && !isRemoved(entry));
  const obstacles = entries
    .map((entry) => obstacleOf(entry, newKeys, inventory))
    .filter((obstacle) => obstacle !== undefined);
  if (obstacles.length > 0) {
    throw new PkiError({
      code: 'PKI_REQUEST_IMPOSSIBLE',
      message: 'nothing was written',
      reasons: obstacles,
      subject: directory,
      hint: 'restore the damaged files; for damaged keys alone, request new ones with --new-keys',
    });
  }
  const pathOf = (id: string, ending: string): HostPath => joinPath(directory, `${id.replaceAll('/', '-')}.${ending}`);
  const endings = newKeys ? ['csr', 'key'] : ['csr'];
  await assertFree(
    entries.flatMap(({ id }) => endings.map((ending) => pathOf(id, ending))),
    files,
    EXISTS,
  );
  await files.makeDirectory(directory, { mode: DIRECTORY_MODE });
  const written: ExportedRequest[] = [];
  for (const entry of entries) {
    if (!entry.certificate.ok) continue;
    const template = entry.certificate.value;
    const { key, label } = await keyFor(entry, request);
    const { names } = findShortfall(template, entry);
    const der = createSigningRequest(template, { key, extraNames: names, source: entry.keyLocation.path });
    const [path, keyPath] = [pathOf(entry.id, 'csr'), pathOf(entry.id, 'key')];
    if (newKeys) await files.writeFile(keyPath, Buffer.from(encodePrivateKey(key, label)), { mode: PRIVATE_KEY_MODE });
    await files.writeFile(path, Buffer.from(encodePem('CERTIFICATE REQUEST', der)), { mode: REQUEST_MODE });
    const subject = template.x509.subject.replaceAll('\n', ', ');
    written.push({ id: entry.id, path, keyPath: newKeys ? keyPath : null, subject });
  }
  return written;
}
