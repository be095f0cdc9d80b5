import { type HostPath, joinPath } from '@kube-rescue/host';
import {
  CA_EXTENSIONS,
  type Issuer,
  issueCertificate,
  type KeyPair,
  leafExtensions,
  type Validity,
} from '../cluster/certificate-signing.ts';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { labDirectory } from '../machine/lab-directory.ts';
import { readNodeText } from '../cluster/node-text.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { API_NAME, API_SERVICE_ADDRESS, BASE_DOMAIN, CLUSTER_DOMAIN, CLUSTER_NAME, CONTROL_PLANE } from './layout.ts';

/** A certificate of the cluster, as Tectonic's installer creates it. */
export interface CertificateRecipe {
  readonly subject: string;
  readonly extensions: readonly string[];
}

const API_NAMES = [API_NAME, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
const ETCD_NAMES = [
  `DNS:*.kube-etcd.kube-system.svc.${CLUSTER_DOMAIN}`,
  `DNS:kube-etcd-client.kube-system.svc.${CLUSTER_DOMAIN}`,
  `DNS:*.${BASE_DOMAIN}`,
  `DNS:${CLUSTER_NAME}-etcd-0.${BASE_DOMAIN}`,
  `IP:${CONTROL_PLANE.address}`,
];
/** Only the installer adds these names; `tls_rotate` does not. */
const LOCAL_NAMES = ['DNS:localhost', 'IP:127.0.0.1'];

/** The CAs of a self-hosted cluster. */
const CA_DEFINITIONS = {
  'kube-ca': { subject: '/CN=kube-ca/O=bootkube', extensions: CA_EXTENSIONS },
  'etcd-ca': { subject: '/CN=etcd-ca/O=etcd', extensions: CA_EXTENSIONS },
} as const satisfies Readonly<Record<string, CertificateRecipe>>;

export type SelfHostedCaName = keyof typeof CA_DEFINITIONS;

/** The leaf certificates of the cluster CA. */
export const KUBE_LEAVES = {
  apiserver: {
    subject: '/CN=kube-apiserver/O=kube-master',
    extensions: leafExtensions(
      ['serverAuth', 'clientAuth'],
      [
        ...[...API_NAMES, `kubernetes.default.svc.${CLUSTER_DOMAIN}`].map((name) => `DNS:${name}`),
        `IP:${API_SERVICE_ADDRESS}`,
      ],
    ),
  },
  kubelet: { subject: '/CN=kubelet/O=system:masters', extensions: leafExtensions(['clientAuth']) },
} as const satisfies Readonly<Record<string, CertificateRecipe>>;

/**
 * The leaf certificates of the etcd CA, as the installer makes them, or as `tls_rotate` does: without the organization, and without
 * the local names of the server.
 */
export function etcdLeaves(madeBy: 'installer' | 'tls_rotate') {
  const isRotated = madeBy === 'tls_rotate';
  const subject = isRotated ? '/CN=etcd' : '/CN=etcd/O=etcd';
  const served = [...ETCD_NAMES, ...(isRotated ? [] : LOCAL_NAMES)];
  return {
    server: { subject, extensions: leafExtensions(['serverAuth'], served) },
    peer: { subject, extensions: leafExtensions(['serverAuth', 'clientAuth'], ETCD_NAMES) },
    client: { subject, extensions: leafExtensions(['clientAuth']) },
  } as const satisfies Readonly<Record<string, CertificateRecipe>>;
}

/** Certificates and keys of a cluster, by their name in its PKI directory. */
export type Pki = Readonly<
  Record<SelfHostedCaName | keyof typeof KUBE_LEAVES | keyof ReturnType<typeof etcdLeaves>, KeyPair>
> & {
  /** The key that signs service account tokens. `certificate` is the public key. */
  readonly serviceAccount: KeyPair;
};

/**
 * The PKI directory of a cluster, outside its nodes, as in Tectonic's installer. The CA keys are stored nowhere else.
 */
export function pkiDirectory(labId: string): HostPath {
  return joinPath(labDirectory(labId), 'pki');
}

/** The files of a CA of {@link createCa}. */
export function caFiles(directory: HostPath, name: SelfHostedCaName): Issuer {
  return { certificate: joinPath(directory, `${name}.crt`), key: joinPath(directory, `${name}.key`) };
}

/** Creates the PKI of a new cluster in `directory`. */
export async function createPki(directory: HostPath, validity: Validity, deps: LabDeps): Promise<Pki> {
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  const [kubeCa, etcdCa, serviceAccount] = await Promise.all([
    createCa({ directory, name: 'kube-ca', validity }, deps),
    createCa({ directory, name: 'etcd-ca', validity }, deps),
    createSigningKey(deps),
  ]);
  const [kube, etcd] = await Promise.all([
    createLeaves({ directory, ca: 'kube-ca', recipes: KUBE_LEAVES, validity }, deps),
    createLeaves({ directory, ca: 'etcd-ca', recipes: etcdLeaves('installer'), validity }, deps),
  ]);
  return { 'kube-ca': kubeCa, 'etcd-ca': etcdCa, serviceAccount, ...kube, ...etcd };
}

interface CaInput {
  readonly directory: HostPath;
  readonly name: SelfHostedCaName;
  readonly subject?: string;
  readonly validity: Validity;
}

/** Creates a CA with a new key, and stores its files in `directory`. `subject` is the installer's unless it is given. */
export async function createCa({ directory, name, subject, validity }: CaInput, deps: LabDeps): Promise<KeyPair> {
  const pair = await issueCertificate(
    {
      ...CA_DEFINITIONS[name],
      ...(subject === undefined ? {} : { subject }),
      keyAlgorithm: 'RSA',
      issuer: 'self',
      validity,
      workDirectory: directory,
    },
    deps,
  );
  const files = caFiles(directory, name);
  await deps.host.writeFile(files.certificate, Buffer.from(pair.certificate), { mode: 0o644 });
  await deps.host.writeFile(files.key, Buffer.from(pair.key), { mode: 0o600 });
  return pair;
}

/** Creates leaf certificates with new keys, signed by a CA in `directory`; does not store them. */
export async function createLeaves<N extends string>(
  input: {
    readonly directory: HostPath;
    readonly ca: SelfHostedCaName;
    readonly recipes: Readonly<Record<N, CertificateRecipe>>;
    readonly validity: Validity;
  },
  deps: LabDeps,
): Promise<Readonly<Record<N, KeyPair>>> {
  const { directory, validity } = input;
  const issuer = caFiles(directory, input.ca);
  const recipes = Object.entries<CertificateRecipe>(input.recipes);
  const pairs = await runConcurrently(
    deps,
    recipes.map(([name, recipe]) => async (each) => {
      const signing = { ...recipe, keyAlgorithm: 'RSA', issuer, validity, workDirectory: directory } as const;
      return [name, await issueCertificate(signing, each)] as const;
    }),
  );
  return Object.fromEntries(pairs) as Record<N, KeyPair>;
}

async function createSigningKey(deps: LabDeps): Promise<KeyPair> {
  const { stdout: key } = await runCommand(deps, ['openssl', 'genrsa', '-traditional', '2048']);
  const { stdout } = await runCommand(deps, ['openssl', 'rsa', '-pubout'], { input: key });
  return { certificate: stdout, key };
}

/** Reads a CA certificate of a cluster, PEM. */
export function readCa(directory: HostPath, name: SelfHostedCaName, deps: LabDeps): Promise<string> {
  return readNodeText(caFiles(directory, name).certificate, deps);
}
