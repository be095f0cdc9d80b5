import { type HostPath, joinPath } from '@kube-rescue/host';
import {
  AUTHORITY_EXTENSIONS,
  type Issuer,
  issueCertificate,
  type KeyPair,
  leafExtensions,
  type Validity,
} from '../cluster/certificate-signing.ts';
import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { labDirectory } from '../machine/lab-directory.ts';
import { readNodeText } from '../cluster/node-text.ts';
import { runTogether } from '../machine/concurrency.ts';
import { API_NAME, API_SERVICE_ADDRESS, BASE_DOMAIN, CLUSTER_DOMAIN, CLUSTER_NAME, CONTROL_PLANE } from './layout.ts';

/** A certificate of the cluster, as Tectonic's installer makes it. */
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
/** Only the installer gives the server these; a later rotation forgets them. */
const LOCAL_NAMES = ['DNS:localhost', 'IP:127.0.0.1'];

/** The CAs of a self-hosted cluster. */
const CA_DEFINITIONS = {
  'kube-ca': { subject: '/CN=kube-ca/O=bootkube', extensions: AUTHORITY_EXTENSIONS },
  'etcd-ca': { subject: '/CN=etcd-ca/O=etcd', extensions: AUTHORITY_EXTENSIONS },
} as const satisfies Readonly<Record<string, CertificateRecipe>>;

export type LabCaName = keyof typeof CA_DEFINITIONS;

/** What the cluster's own CA signs. */
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

/** What etcd's CA signs; the server certificate with the local names, or without them as after a rotation. */
export function etcdLeaves({ localNames }: { readonly localNames: boolean }) {
  return {
    server: {
      subject: '/CN=etcd/O=etcd',
      extensions: leafExtensions(['serverAuth'], [...ETCD_NAMES, ...(localNames ? LOCAL_NAMES : [])]),
    },
    peer: {
      subject: '/CN=etcd/O=etcd',
      extensions: leafExtensions(['serverAuth', 'clientAuth'], ETCD_NAMES),
    },
    client: { subject: '/CN=etcd/O=etcd', extensions: leafExtensions(['clientAuth']) },
  } as const satisfies Readonly<Record<string, CertificateRecipe>>;
}

/** Certificates and keys of a cluster by their name in its PKI folder. */
export type Pki = Readonly<
  Record<LabCaName | keyof typeof KUBE_LEAVES | keyof ReturnType<typeof etcdLeaves>, KeyPair>
> & {
  /** What service account tokens are signed with. `certificate` is the public key. */
  readonly serviceAccount: KeyPair;
};

/**
 * Where a cluster's PKI is kept: beside its nodes, as Tectonic keeps it in the installer's folder. The keys of the CAs are
 * nowhere else.
 */
export function pkiDirectory(labId: string): HostPath {
  return joinPath(labDirectory(labId), 'pki');
}

/** The files of a CA that {@link createCa} made. */
export function caFiles(folder: HostPath, name: LabCaName): Issuer {
  return { certificate: joinPath(folder, `${name}.crt`), key: joinPath(folder, `${name}.key`) };
}

/** Makes everything that a new cluster is given, in `folder`. */
export async function createPki(folder: HostPath, validity: Validity, deps: LabDeps): Promise<Pki> {
  await deps.host.makeDirectory(folder, { mode: 0o700 });
  const [kubeCa, etcdCa, serviceAccount] = await Promise.all([
    createCa({ folder, name: 'kube-ca', validity }, deps),
    createCa({ folder, name: 'etcd-ca', validity }, deps),
    createSigningKey(deps),
  ]);
  const [kube, etcd] = await Promise.all([
    createLeaves({ folder, ca: 'kube-ca', recipes: KUBE_LEAVES, validity }, deps),
    createLeaves({ folder, ca: 'etcd-ca', recipes: etcdLeaves({ localNames: true }), validity }, deps),
  ]);
  return { 'kube-ca': kubeCa, 'etcd-ca': etcdCa, serviceAccount, ...kube, ...etcd };
}

/** Makes a CA with a new key, and keeps its files in `folder`. */
export async function createCa(
  { folder, name, validity }: { folder: HostPath; name: LabCaName; validity: Validity },
  deps: LabDeps,
): Promise<KeyPair> {
  const pair = await issueCertificate(
    { ...CA_DEFINITIONS[name], keyAlgorithm: 'RSA', issuer: 'self', validity, workFolder: folder },
    deps,
  );
  const files = caFiles(folder, name);
  await deps.host.writeFile(files.certificate, Buffer.from(pair.certificate), { mode: 0o644 });
  await deps.host.writeFile(files.key, Buffer.from(pair.key), { mode: 0o600 });
  return pair;
}

/** Makes leaf certificates with new keys, signed by a CA of `folder`; keeps none of them there. */
export async function createLeaves<N extends string>(
  input: {
    readonly folder: HostPath;
    readonly ca: LabCaName;
    readonly recipes: Readonly<Record<N, CertificateRecipe>>;
    readonly validity: Validity;
  },
  deps: LabDeps,
): Promise<Readonly<Record<N, KeyPair>>> {
  const { folder, validity } = input;
  const issuer = caFiles(folder, input.ca);
  const recipes = Object.entries<CertificateRecipe>(input.recipes);
  const pairs = await runTogether(
    deps,
    recipes.map(([name, recipe]) => async (each) => {
      const signing = { ...recipe, keyAlgorithm: 'RSA', issuer, validity, workFolder: folder } as const;
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

/** The certificate of a CA of a cluster, PEM. */
export function readCa(folder: HostPath, name: LabCaName, deps: LabDeps): Promise<string> {
  return readNodeText(caFiles(folder, name).certificate, deps);
}
