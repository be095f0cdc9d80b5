import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import type { CertificateProfile } from './certificate-profile.ts';

/** The releases of kubeadm whose node is kept in `golden/`, the newest first. */
export const GOLDEN_VERSIONS = ['v1.37.2', 'v1.34.4', 'v1.20.2'] as const;

export type GoldenVersion = (typeof GOLDEN_VERSIONS)[number];

/** The values of kubeadm's `encryptionAlgorithm`, and what the pool calls such keys. */
export const KEY_ALGORITHMS = {
  'RSA-2048': 'rsa',
  'RSA-3072': 'rsa-3072',
  'RSA-4096': 'rsa-4096',
  'ECDSA-P256': 'ecdsa',
  'ECDSA-P384': 'ecdsa-p384',
} as const;

export type EncryptionAlgorithm = keyof typeof KEY_ALGORITHMS;

/** One file of a node. Its bytes are the text, or the certificate and then the key, in PEM. */
export interface GoldenFile {
  /** Octal: `600`. */
  readonly mode: string;
  /** {@link CA_DATA}, {@link CERTIFICATE_DATA} and {@link KEY_DATA} stand for what differs from node to node. */
  readonly text?: string;
  readonly certificate?: CertificateProfile;
  /** The label of a PEM private or public key: `RSA PRIVATE KEY`. */
  readonly key?: string;
}

/** A file, or the target of a symbolic link. */
export type GoldenEntry = GoldenFile | { readonly link: string };

/** Every file of a node by its path, without secrets and dates. */
export type GoldenFiles = Readonly<Record<string, GoldenEntry>>;

/** How a key and what it signs look, for one `encryptionAlgorithm`. */
export interface AlgorithmProfile {
  readonly key: string;
  /** The label of a PEM private key. */
  readonly pem: string;
  readonly signature: string;
}

/** A lifetime as certificates have it, which may begin before they are issued. */
export type Lifetime = Pick<CertificateProfile, 'days' | 'minutes'>;

/** What one release of kubeadm writes on its first control-plane node. */
export interface GoldenDocument {
  readonly version: string;
  /** The configuration that it was given. */
  readonly configuration: string;
  /** The names that `kubeadm certs check-expiration` prints, in its order. */
  readonly listed: readonly string[];
  readonly files: GoldenFiles;
  /** The values of `encryptionAlgorithm` that it takes. */
  readonly algorithms: Readonly<Partial<Record<EncryptionAlgorithm, AlgorithmProfile>>>;
  /** The lifetimes with {@link CONFIGURED_PERIODS}; `null` where the configuration has no such fields. */
  readonly configuredLifetimes: { readonly ca: Lifetime; readonly leaf: Lifetime } | null;
}

/** Three and twenty years. */
export const CONFIGURED_PERIODS = {
  certificateValidityPeriod: '26280h',
  caCertificateValidityPeriod: '175200h',
} as const;

export const CA_DATA = 'CERTIFICATE-OF-THE-CLUSTER-CA';
export const CERTIFICATE_DATA = 'CERTIFICATE';
export const KEY_DATA = 'KEY';
/** In the name of the kubelet's certificate and in the link to it. */
export const ISSUE_DATE = 'ISSUE-DATE';

export const CLUSTER_CA = '/etc/kubernetes/pki/ca.crt';

/** The same place from src/ and from dist/. */
const DOCUMENTS = new URL('../../golden/', import.meta.url);

/** Where the document of a release is. */
export function goldenUrl(version: string): URL {
  return new URL(`kubeadm-${version}.yaml`, DOCUMENTS);
}

/** The document of a release, as kubeadm itself produced it; `npm run test:e2e:matrix` compares them with kubeadm. */
export function readGolden(version: GoldenVersion): GoldenDocument {
  return parse(readFileSync(goldenUrl(version), 'utf8')) as GoldenDocument;
}

/** The text of a document. */
export function renderGolden(document: GoldenDocument): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
