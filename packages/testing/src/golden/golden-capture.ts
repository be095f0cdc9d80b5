import { X509Certificate } from 'node:crypto';
import type { NodeTree, TreeEntry } from '../node/node-tree.ts';
import { type CertificateProfile, profileCertificate } from './certificate-profile.ts';
import {
  CA_DATA,
  CERTIFICATE_DATA,
  CLUSTER_CA,
  type GoldenEntry,
  type GoldenFiles,
  ISSUE_DATE,
  KEY_DATA,
} from './golden-document.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/;
const KEY = /-----BEGIN (\w+ PRIVATE KEY|PUBLIC KEY)-----/;
const DATE = /\d{4}(?:-\d\d){5}/;

/**
 * Describes every file of a node so that two nodes of the same kind have the same description: keys, serial numbers and dates are
 * left out, everything else stays verbatim.
 *
 * @throws Error for a certificate that a profile cannot express
 */
export async function captureTree(tree: NodeTree): Promise<GoldenFiles> {
  const texts = new Map(
    [...tree].map(([path, entry]) => [
      path as string,
      entry.kind === 'file' ? Buffer.from(entry.bytes).toString() : '',
    ]),
  );
  const cas = new Map([...texts].filter(([, text]) => CERTIFICATE.test(text) && new X509Certificate(text).ca));
  const linked = new Set([...tree.values()].map((entry) => (entry.kind === 'link' ? entry.target : '')));
  // The kubelet leaves its former certificates beside the one in use.
  const isFormer = (path: string): boolean => DATE.test(path) && !linked.has(path);
  const entries = await Promise.all(
    [...tree]
      .filter(([path]) => !isFormer(path))
      .map(async ([path, entry]) => {
        return [withoutDate(path), await captureEntry(entry, texts.get(path) ?? '', cas)] as const;
      }),
  );
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

async function captureEntry(entry: TreeEntry, text: string, cas: ReadonlyMap<string, string>): Promise<GoldenEntry> {
  if (entry.kind === 'link') return { link: withoutDate(entry.target) };
  const mode = entry.mode.toString(8);
  const pem = text.match(CERTIFICATE)?.[0];
  const key = KEY.exec(text)?.[1];
  if (pem !== undefined || key !== undefined) {
    return {
      mode,
      ...(pem === undefined ? {} : { certificate: await profileCertificate(pem, cas) }),
      ...(key === undefined ? {} : { key }),
    };
  }
  return { mode, ...(await captureText(text, cas)) };
}

async function captureText(
  text: string,
  cas: ReadonlyMap<string, string>,
): Promise<{ readonly text: string; readonly certificate?: CertificateProfile }> {
  const data = (name: string): string | undefined => {
    const found = new RegExp(`${name}-data: (\\S+)`).exec(text)?.[1];
    return found === undefined ? undefined : Buffer.from(found, 'base64').toString();
  };
  const ca = data('certificate-authority');
  if (ca !== undefined && ca !== cas.get(CLUSTER_CA)) throw new Error('a kubeconfig trusts another CA');
  const certificate = data('client-certificate');
  return {
    text: text
      .replace(/(certificate-authority-data: )\S+/, `$1${CA_DATA}`)
      .replace(/(client-certificate-data: )\S+/, `$1${CERTIFICATE_DATA}`)
      .replace(/(client-key-data: )\S+/, `$1${KEY_DATA}`),
    ...(certificate === undefined ? {} : { certificate: await profileCertificate(certificate, cas) }),
  };
}

function withoutDate(path: string): string {
  return path.replace(DATE, ISSUE_DATE);
}
