import { createPublicKey } from 'node:crypto';
import { type HostPath, hostPath } from '@kube-rescue/host';
import { datedPemName } from '../node/kubelet-files.ts';
import type { NodeTree, TreeEntry } from '../node/node-tree.ts';
import { privateKeyFor } from '../pki/key-pool.ts';
import { issueCertificate } from '../pki/openssl-ca.ts';
import type { KeyPair } from '../pki/pki.ts';
import { type CertificateProfile, keyIdentifiers } from './certificate-profile.ts';
import {
  CA_DATA,
  CERTIFICATE_DATA,
  CLUSTER_CA,
  type EncryptionAlgorithm,
  type GoldenDocument,
  type GoldenFile,
  ISSUE_DATE,
  KEY_ALGORITHMS,
  KEY_DATA,
  type Lifetime,
} from './golden-document.ts';

export interface GoldenNodeOptions {
  /** When kubeadm made the node; a year later its leaves expire, ten years later its CAs. */
  readonly createdAt: Date;
  /** When kubeadm last renewed its leaves. Default: never. */
  readonly renewedAt?: Date | undefined;
  /** Keys of another algorithm, by the paths of their certificates. Default: those of the document. */
  readonly algorithms?: Readonly<Record<string, EncryptionAlgorithm>> | undefined;
  /** Other lifetimes than those of the document. */
  readonly lifetimes?: { readonly ca: Lifetime; readonly leaf: Lifetime } | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;
/** Neighbours never share a key. */
const LEAF_KEYS = 3;

/**
 * The files of a node as that release of kubeadm leaves them: the texts of the document, certificates of its profiles issued by
 * `openssl`. Keys come from the pool. The kubelet's own serving certificate is not among them, which kubeadm does not make.
 */
export async function growGolden(document: GoldenDocument, options: GoldenNodeOptions): Promise<NodeTree> {
  const files = Object.entries(document.files);
  const certified = files.flatMap(([path, file]) =>
    'certificate' in file && file.certificate !== undefined ? [[path, file.certificate] as const] : [],
  );
  const make = { document, options, cas: new Map<string, KeyPair>() };
  for (const [path, profile] of certified.filter(([, { issuer }]) => issuer === undefined)) {
    make.cas.set(path, await issue(path, profile, path, make));
  }
  const leaves = await Promise.all(
    certified
      .filter(([, { issuer }]) => issuer !== undefined)
      .map(async ([path, profile], n) => [path, await issue(path, profile, `leaf-${n % LEAF_KEYS}`, make)] as const),
  );
  const pairs = new Map([...make.cas, ...leaves]);
  const tokenKey = await privateKeyFor('sa', 'rsa');
  const issuedAt = datedPemName(options.renewedAt ?? options.createdAt).match(/\d[\d-]+\d/)?.[0] ?? '';
  const dated = (path: string): string => path.replace(ISSUE_DATE, issuedAt);
  return new Map(
    files.map(([path, file]): readonly [HostPath, TreeEntry] => {
      if ('link' in file) return [hostPath(dated(path)), { kind: 'link', target: dated(file.link) }];
      const text = contentOf(path, file, pairs, tokenKey);
      return [hostPath(dated(path)), { kind: 'file', bytes: Buffer.from(text), mode: Number.parseInt(file.mode, 8) }];
    }),
  );
}

function contentOf(path: string, file: GoldenFile, pairs: ReadonlyMap<string, KeyPair>, tokenKey: string): string {
  const pair = pairs.get(path) ?? pairs.get(path.replace(/\.key$/, '.crt'));
  if (file.text !== undefined) {
    const data = (pem = ''): string => Buffer.from(pem).toString('base64');
    return file.text
      .replace(`: ${CA_DATA}\n`, `: ${data(pairs.get(CLUSTER_CA)?.certificate)}\n`)
      .replace(`: ${CERTIFICATE_DATA}\n`, `: ${data(pair?.certificate)}\n`)
      .replace(`: ${KEY_DATA}\n`, `: ${data(pair?.key)}\n`);
  }
  if (file.key === 'PUBLIC KEY') return createPublicKey(tokenKey).export({ type: 'spki', format: 'pem' }).toString();
  const certificate = file.certificate === undefined ? '' : (pair?.certificate ?? '');
  return certificate + (file.key === undefined ? '' : (pair?.key ?? tokenKey));
}

interface Making {
  readonly document: GoldenDocument;
  readonly options: GoldenNodeOptions;
  readonly cas: ReadonlyMap<string, KeyPair>;
}

async function issue(
  path: string,
  profile: CertificateProfile,
  keyName: string,
  { document, options, cas }: Making,
): Promise<KeyPair> {
  const algorithm = options.algorithms?.[path] ?? 'RSA-2048';
  const key = await privateKeyFor(keyName, KEY_ALGORITHMS[algorithm]);
  const signer = options.algorithms?.[profile.issuer ?? path] ?? 'RSA-2048';
  const certificate = await issueCertificate({
    subject: profile.subject,
    extensions: linesOf(profile, key),
    key,
    issuer: profile.issuer === undefined ? undefined : cas.get(profile.issuer),
    digest: /SHA384/i.test(document.algorithms[signer]?.signature ?? '') ? 'sha384' : 'sha256',
    isSerialZero: profile.isSerialZero,
    ...validityOf(profile, document, options),
  });
  return { certificate, key };
}

function validityOf(
  profile: CertificateProfile,
  { files }: GoldenDocument,
  { createdAt, renewedAt, lifetimes }: GoldenNodeOptions,
): { readonly notBefore: Date; readonly notAfter: Date } {
  const isCa = profile.issuer === undefined;
  const { days, minutes } = lifetimes?.[isCa ? 'ca' : 'leaf'] ?? profile;
  const ca = files[profile.issuer ?? ''];
  const issuedAt = isCa ? createdAt : (renewedAt ?? createdAt);
  const begins =
    profile.startsWithCa === true && ca !== undefined && 'certificate' in ca
      ? createdAt.getTime() - (lifetimes?.ca ?? ca.certificate).minutes * MINUTE_MS
      : issuedAt.getTime() - minutes * MINUTE_MS;
  return { notBefore: new Date(begins), notAfter: new Date(issuedAt.getTime() + days * DAY_MS) };
}

/** The lines of an extension section: without its own word for it, OpenSSL would add a key identifier. */
function linesOf({ extensions }: CertificateProfile, key: string): readonly string[] {
  const lines = extensions.map((line) =>
    line.replace('=sha256', `=${keyIdentifiers(createPublicKey(key)).sha256.replaceAll(':', '')}`),
  );
  const has = (name: string): boolean => extensions.some((line) => line.startsWith(name));
  return [...lines, ...(has('subjectKeyIdentifier') ? [] : ['subjectKeyIdentifier=none'])];
}
