import { type HostPath, hostPath, systemClock } from '@kube-rescue/host';
import { type KeyAlgorithm, privateKeyFor } from './key-pool.ts';
import {
  CA_EXTENSIONS,
  CA_NAMES,
  CA_SUBJECTS,
  type CaName,
  type CertificateName,
  isCa,
  LEAF_NAMES,
  type LeafName,
  leafExtensions,
  leafProfiles,
} from './kubeadm-certificates.ts';
import { nodeTree } from '../node/kubeadm-tree.ts';
import type { NodeTree } from '../node/node-tree.ts';
import { issueCertificate } from './openssl-ca.ts';

export interface PkiOptions {
  /** Default: the machine's time, so that real sockets agree. */
  readonly now?: Date | undefined;
  /** Default: `node01`. */
  readonly nodeName?: string | undefined;
  /** Where the API server and etcd are reached. Default: `10.9.0.11`. */
  readonly address?: string | undefined;
  /** Default: `/etc/kubernetes/pki`. */
  readonly certificatesDir?: HostPath | undefined;
  /** Default: `rsa`. */
  readonly algorithm?: KeyAlgorithm | undefined;
  /** Of the kubelet's client key. Default: `algorithm`. */
  readonly kubeletAlgorithm?: KeyAlgorithm | undefined;
  /** Certificates that expired yesterday. */
  readonly expired?: readonly CertificateName[] | undefined;
  /** Certificates that become valid tomorrow. */
  readonly notYetValid?: readonly CertificateName[] | undefined;
  /** Certificates with the key file of another certificate. */
  readonly wrongKey?: readonly CertificateName[] | undefined;
  /** CAs without their key file. */
  readonly missingCaKeys?: readonly CaName[] | undefined;
  /** Kubeconfigs trust an older CA of the same name besides the current one. Default: false. */
  readonly caBundle?: boolean | undefined;
}

/** A certificate and a private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** The PKI of one control-plane node, and its files. */
export interface Pki {
  /** `/etc/kubernetes` and `/var/lib/kubelet` as kubeadm v1.20 and the kubelet write them. */
  readonly tree: NodeTree;
  /** The content of each certificate's files; for `wrongKey` with the key of another certificate. */
  readonly pairs: Readonly<Record<CertificateName, KeyPair>>;
  /** Every private key in the tree, PEM: no output may contain one. */
  readonly privateKeys: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LEAF_DAYS = 365;
const CA_DAYS = 3650;

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Builds the PKI of a kubeadm control-plane node with the `openssl` program.
 *
 * Certificates are new each time; RSA keys are shared by every PKI of the process.
 */
export async function buildPki(options: PkiOptions = {}): Promise<Pki> {
  const identity = { nodeName: options.nodeName ?? 'node01', address: options.address ?? '10.9.0.11' };
  const now = options.now ?? systemClock.now();
  const algorithm = options.algorithm ?? 'rsa';
  const validity = (name: CertificateName): Validity => validityOf(name, now, options);

  const cas = await buildAll(CA_NAMES, async (name) => {
    const key = await privateKeyFor(name, algorithm);
    const subject = CA_SUBJECTS[name];
    return { key, certificate: await issueCertificate({ subject, extensions: CA_EXTENSIONS, key, ...validity(name) }) };
  });
  const profiles = leafProfiles(identity);
  const leaves = await buildAll(LEAF_NAMES, async (name) => {
    const profile = profiles[name];
    const key = await leafKey(name, options);
    const extensions = leafExtensions(profile);
    const issuer = cas[profile.issuer];
    return {
      key,
      certificate: await issueCertificate({ subject: profile.subject, extensions, key, issuer, ...validity(name) }),
    };
  });
  const pairs = await withWrongKeys({ ...cas, ...leaves }, options);
  const serviceAccountKey = await privateKeyFor('sa', 'rsa');
  const tree = nodeTree({
    ...identity,
    certificatesDir: options.certificatesDir ?? hostPath('/etc/kubernetes/pki'),
    pairs,
    missingCaKeys: options.missingCaKeys ?? [],
    trustedCa: options.caBundle === true ? (await olderCa(now, algorithm)) + cas.ca.certificate : cas.ca.certificate,
    serviceAccountKey,
    kubeletIssuedAt: validity('kubelet-client').notBefore,
  });
  return { tree, pairs, privateKeys: [...Object.values(pairs).map(({ key }) => key), serviceAccountKey] };
}

/** The validity of an expired, current or future certificate. */
function validityOf(name: CertificateName, now: Date, { expired = [], notYetValid = [] }: PkiOptions): Validity {
  const days = isCa(name) ? CA_DAYS : LEAF_DAYS;
  const startsIn = expired.includes(name) ? -days - 1 : notYetValid.includes(name) ? 1 : -days / 2;
  // OpenSSL counts in whole seconds.
  const notBefore = new Date(Math.floor((now.getTime() + startsIn * DAY_MS) / 1000) * 1000);
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * DAY_MS) };
}

/** RSA leaves rotate through three keys: neighbours in the list never share a key. */
function leafKey(name: LeafName, { algorithm = 'rsa', kubeletAlgorithm = algorithm }: PkiOptions): Promise<string> {
  return privateKeyFor(
    `leaf-${LEAF_NAMES.indexOf(name) % 3}`,
    name === 'kubelet-client' ? kubeletAlgorithm : algorithm,
  );
}

async function withWrongKeys(
  pairs: Readonly<Record<CertificateName, KeyPair>>,
  { wrongKey = [], algorithm = 'rsa' }: PkiOptions,
): Promise<Readonly<Record<CertificateName, KeyPair>>> {
  const foreign = await privateKeyFor('foreign', algorithm);
  const wrong = wrongKey.map((name) => [name, { ...pairs[name], key: foreign }] as const);
  return { ...pairs, ...Object.fromEntries(wrong) };
}

/** A CA of the same name with another key, as in a bundle after a rotation. */
async function olderCa(now: Date, algorithm: KeyAlgorithm): Promise<string> {
  const key = await privateKeyFor('foreign', algorithm);
  const validity = validityOf('ca', new Date(now.getTime() - LEAF_DAYS * DAY_MS), {});
  return issueCertificate({ subject: CA_SUBJECTS.ca, extensions: CA_EXTENSIONS, key, ...validity });
}

async function buildAll<N extends string>(
  names: readonly N[],
  build: (name: N) => Promise<KeyPair>,
): Promise<Readonly<Record<N, KeyPair>>> {
  const entries = await Promise.all(names.map(async (name) => [name, await build(name)] as const));
  return Object.fromEntries(entries) as Record<N, KeyPair>;
}
