import { attempt, attemptPem, type Reading } from '../inventory/reading.ts';
import { type HostPath, hostPath } from '@kube-rescue/host';
import {
  decodeKubeconfig,
  type FileReader,
  parseKubeconfig,
  readNamedFile,
  type UsedFile,
} from '@kube-rescue/node-config';
import {
  type Certificate,
  claimsToBeCa,
  containsCertificates,
  containsPrivateKey,
  findBundleFault,
  findLeafFault,
  findPrivateKeyFault,
  type GoFault,
  hasPemLine,
  parseCertificate,
  parseCertificates,
  parsePrivateKey,
  type PrivateKey,
  readIndentedPem,
} from '@kube-rescue/x509';
import type { UsedText } from './used-reading.ts';

/** Certificates of one used file: a leaf with what follows it, or a bundle of CAs. */
export interface UsedCertificates {
  readonly file: UsedFile;
  readonly path: HostPath;
  readonly kind: 'file' | 'kubeconfig';
  readonly role: 'leaf' | 'trust';
  readonly certificates: Reading<readonly Certificate[]>;
  /** Where the key is, and the key; `undefined` when no key is known to belong to it. */
  readonly key: { readonly path: HostPath; readonly reading: Reading<PrivateKey> } | undefined;
  /** The CAs that a kubeconfig trusts: of another cluster, perhaps. */
  readonly trusted: readonly Certificate[];
}

/** Reads the certificates and keys of used files. Nothing is thrown for a damaged file: it becomes a reading. */
export async function readUsedCertificates(
  { file, text, form }: UsedText,
  reader: FileReader,
): Promise<readonly UsedCertificates[]> {
  if (form === 'kubeconfig') return readFromKubeconfig(file, text, reader);
  if (!containsCertificates(text)) return [];
  const certificates = await readCertificates(text, file.path, findLeafFault);
  const role = certificates.ok && certificates.value.every(claimsToBeCa) ? 'trust' : 'leaf';
  const judged =
    role === 'trust'
      ? await readCertificates(text, file.path, (pem) => findBundleFault(pem, 'client-go'))
      : certificates;
  const key = role === 'trust' ? undefined : await findKey(file, text, reader);
  return [{ file, path: file.path, kind: 'file', role, certificates: judged, key, trusted: [] }];
}

function readCertificates(
  text: string,
  path: HostPath,
  judge: (text: string) => GoFault | undefined,
): Promise<Reading<readonly Certificate[]>> {
  // PEM inside of another text, such as the CA of a structured authentication: Go gets it without the blanks.
  if (!hasPemLine(text)) {
    return attempt((): readonly Certificate[] =>
      readIndentedPem(text, path).flatMap(({ label, der }) =>
        label === 'CERTIFICATE' ? [parseCertificate(der, path)] : [],
      ),
    );
  }
  return attemptPem(
    async () => text,
    (pem): readonly Certificate[] => parseCertificates(pem, path),
    judge,
  );
}

async function findKey(file: UsedFile, text: string, reader: FileReader): Promise<UsedCertificates['key']> {
  const read = (path: HostPath, source: () => Promise<string>): Promise<Reading<PrivateKey>> =>
    attemptPem(source, (pem) => parsePrivateKey(pem, path), findPrivateKeyFault);
  if (containsPrivateKey(text)) return { path: file.path, reading: await read(file.path, async () => text) };
  if (file.key !== undefined) {
    const path = file.key;
    return { path, reading: await read(path, () => readNamedFile(reader, path, 'PKI_KEY_MISSING')) };
  }
  for (const path of usualKeyPaths(file.path)) {
    const bytes = await attempt(() => reader.readFile(path));
    if (!bytes.ok || bytes.value === undefined) continue;
    const pem = Buffer.from(bytes.value).toString('latin1');
    if (containsPrivateKey(pem)) return { path, reading: await read(path, async () => pem) };
  }
  return undefined;
}

/** `tls.crt` and `tls.key`, `site.pem` and `site-key.pem` (cfssl), `site.pem` and `site.pem.key` (HAProxy). */
function usualKeyPaths(path: HostPath): readonly HostPath[] {
  const stem = path.replace(/\.(?:crt|cer|cert|pem)$/, '');
  return [...new Set([`${stem}.key`, `${stem}-key.pem`, `${path}.key`])].filter((each) => each !== path).map(hostPath);
}

async function readFromKubeconfig(
  file: UsedFile,
  text: string,
  reader: FileReader,
): Promise<readonly UsedCertificates[]> {
  const { path } = file;
  const base = { file, path, kind: 'kubeconfig' } as const;
  const parsed = await attempt(() => parseKubeconfig(decodeKubeconfig(Buffer.from(text, 'latin1'), path), path));
  if (!parsed.ok) return [{ ...base, role: 'leaf', certificates: parsed, key: undefined, trusted: [] }];
  const { certificate, key, trust } = parsed.value;
  type Part = typeof certificate;
  const locate = (part: Part): HostPath => (part?.in === 'file' ? (file.toHost(part.path) ?? part.path) : path);
  const sourceOf = (part: Part, code: 'PKI_CERTIFICATE_MISSING' | 'PKI_KEY_MISSING') => async (): Promise<string> =>
    part?.in === 'kubeconfig' ? part.text : readNamedFile(reader, locate(part), code);
  const bundle =
    trust &&
    (await attemptPem(
      sourceOf(trust, 'PKI_CERTIFICATE_MISSING'),
      (pem): readonly Certificate[] => parseCertificates(pem, locate(trust)),
      (pem) => findBundleFault(pem, 'client-go'),
    ));
  const trusted = bundle?.ok === true ? bundle.value : [];
  const found: UsedCertificates[] = [];
  if (certificate !== undefined) {
    const reading = await attemptPem(
      sourceOf(certificate, 'PKI_CERTIFICATE_MISSING'),
      (pem): readonly Certificate[] => parseCertificates(pem, locate(certificate)),
      findLeafFault,
    );
    const keyReading =
      key &&
      (await attemptPem(
        sourceOf(key, 'PKI_KEY_MISSING'),
        (pem) => parsePrivateKey(pem, locate(key)),
        findPrivateKeyFault,
      ));
    const pair = keyReading && { path: locate(key), reading: keyReading };
    found.push({ ...base, role: 'leaf', certificates: reading, key: pair, trusted });
  }
  if (bundle !== undefined) found.push({ ...base, role: 'trust', certificates: bundle, key: undefined, trusted: [] });
  return found;
}
