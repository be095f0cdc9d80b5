import { joinPath } from '@kube-rescue/host';
import { type KeyPair, leafExtensions, resignCertificate, type Validity } from '../../cluster/certificate-signing.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { LabError } from '../../errors.ts';
import { readEmbeddedCredentials } from '../../cluster/kubeconfig-credentials.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { BASE_DOMAIN, CLUSTER_DOMAIN, CLUSTER_NAME, KUBECONFIG } from '../../self-hosted/layout.ts';
import {
  type SelfHostedCaName,
  caFiles,
  type CertificateRecipe,
  createCa,
  createLeaves,
  etcdLeaves,
  KUBE_LEAVES,
  pkiDirectory,
  readCa,
} from '../../self-hosted/pki.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** Tectonic gives CAs and leaves the same three years. */
const LIFETIME_DAYS = 3 * 365;
/** The lifetime that `tls_rotate` sets; it was run a few days ago. */
const ROTATED_LIFETIME_DAYS = 10 * 365;
const ROTATED_DAYS_AGO = 3;

/** The cluster CA and its leaf certificates. */
interface KubePki {
  readonly ca: KeyPair;
  readonly apiserver: KeyPair;
  readonly kubelet: KeyPair;
}

/**
 * The certificates of Tectonic's own services, as coreos/tls_rotate `gencerts.sh` makes them. The lab does not run the services,
 * but a rotation creates their certificates too.
 */
const TECTONIC_LEAVES = {
  'ingress-server': { subject: `/CN=${CLUSTER_NAME}.${BASE_DOMAIN}`, extensions: leafExtensions(['serverAuth']) },
  'identity-grpc-server': {
    subject: '/CN=tectonic-identity-api',
    extensions: leafExtensions(['serverAuth'], [`DNS:tectonic-identity-api.tectonic-system.svc.${CLUSTER_DOMAIN}`]),
  },
  'identity-grpc-client': {
    subject: `/CN=tectonic-identity-api.tectonic-system.svc.${CLUSTER_DOMAIN}`,
    extensions: leafExtensions(['clientAuth']),
  },
} as const satisfies Readonly<Record<string, CertificateRecipe>>;

/** `openssl ca` writes a subject in the order of its policy: the organization first. */
const ROTATED_KUBE_LEAVES = {
  apiserver: { ...KUBE_LEAVES.apiserver, subject: '/O=kube-master/CN=kube-apiserver' },
  kubelet: { ...KUBE_LEAVES.kubelet, subject: '/O=system:masters/CN=kubelet' },
} as const satisfies Readonly<Record<keyof typeof KUBE_LEAVES, CertificateRecipe>>;

export type TectonicPki = Readonly<Record<keyof typeof TECTONIC_LEAVES, KeyPair>>;

/** The certificates that a rotation creates. */
export interface RotatedPki {
  readonly kube: KubePki;
  readonly etcd: EtcdPki;
  readonly tectonic: TectonicPki;
}

/** The etcd CA and its leaf certificates. */
export interface EtcdPki {
  readonly ca: KeyPair;
  readonly server: KeyPair;
  readonly peer: KeyPair;
  readonly client: KeyPair;
}

/** The certificates of the API server and its clients, current or expired, without etcd's server and peer certificates. */
export interface CurrentPki {
  readonly kube: KubePki;
  readonly etcdCaPair: KeyPair;
  readonly etcdClient: KeyPair;
}

/**
 * Reads the certificates of a running cluster from the API server's Secret, the kubeconfig and the installer's directory.
 */
export async function readCurrentPki(cluster: SelfHostedCluster, deps: LabDeps): Promise<CurrentPki> {
  const argv = ['kubectl', '--namespace=kube-system', 'get', 'secret', 'kube-apiserver', '--output=json'] as const;
  const { data } = JSON.parse((await runOnNode(cluster, argv, deps)).stdout) as { data: Record<string, string> };
  const pair = (name: string): KeyPair => ({
    certificate: decode(data[`${name}.crt`]),
    key: decode(data[`${name}.key`]),
  });
  const kubelet = readEmbeddedCredentials(await readNodeText(nodeFile(cluster.node, KUBECONFIG), deps));
  if (kubelet === undefined) throw unexpected(KUBECONFIG);
  const [ca, etcdCaPair] = await Promise.all(
    (['kube-ca', 'etcd-ca'] as const).map((name) => readCaPair(cluster, name, deps)),
  );
  if (ca === undefined || etcdCaPair === undefined) throw unexpected('kube-ca');
  return { kube: { ca, apiserver: pair('apiserver'), kubelet }, etcdCaPair, etcdClient: pair('etcd-client') };
}

/** Re-signs them with a validity that ended yesterday. Keys, subjects, SANs and usages stay. */
export async function expirePki(cluster: SelfHostedCluster, current: CurrentPki, deps: LabDeps): Promise<CurrentPki> {
  const directory = joinPath(pkiDirectory(cluster.id), 'expired');
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  const validity = validityUntil(deps.clock.now().getTime() - MS_PER_DAY, LIFETIME_DAYS);
  const sign = async (pair: KeyPair, issuer: SelfHostedCaName | 'self'): Promise<KeyPair> => {
    const signer = issuer === 'self' ? issuer : caFiles(directory, issuer);
    const signing = { ...pair, issuer: signer, validity, workDirectory: directory };
    return { ...pair, certificate: await resignCertificate(signing, deps) };
  };
  const expireCa = async (pair: KeyPair, name: SelfHostedCaName): Promise<KeyPair> => {
    const expired = await sign(pair, 'self');
    const files = caFiles(directory, name);
    await deps.host.writeFile(files.certificate, Buffer.from(expired.certificate), { mode: 0o644 });
    await deps.host.writeFile(files.key, Buffer.from(expired.key), { mode: 0o600 });
    return expired;
  };
  const { kube } = current;
  const [ca, etcdCaPair] = await Promise.all([expireCa(kube.ca, 'kube-ca'), expireCa(current.etcdCaPair, 'etcd-ca')]);
  const [apiserver, kubelet, etcdClient] = await Promise.all([
    sign(kube.apiserver, 'kube-ca'),
    sign(kube.kubelet, 'kube-ca'),
    sign(current.etcdClient, 'etcd-ca'),
  ]);
  return { kube: { ca, apiserver, kubelet }, etcdCaPair, etcdClient };
}

/**
 * Creates new CAs with new keys, and new leaves, as `tls_rotate` does: the etcd server certificate lacks its local names.
 */
export async function rotatePki(cluster: SelfHostedCluster, deps: LabDeps): Promise<RotatedPki> {
  const directory = joinPath(pkiDirectory(cluster.id), 'rotated');
  await deps.host.makeDirectory(directory, { mode: 0o700 });
  const from = deps.clock.now().getTime() - ROTATED_DAYS_AGO * MS_PER_DAY;
  const validity = validityUntil(from + ROTATED_LIFETIME_DAYS * MS_PER_DAY, ROTATED_LIFETIME_DAYS);
  const [kubeCaPair, etcdCaPair] = await Promise.all([
    createCa({ directory, name: 'kube-ca', validity }, deps),
    createCa({ directory, name: 'etcd-ca', subject: '/CN=etcd-ca', validity }, deps),
  ]);
  const [kube, tectonic, etcd] = await Promise.all([
    createLeaves({ directory, ca: 'kube-ca', recipes: ROTATED_KUBE_LEAVES, validity }, deps),
    createLeaves({ directory, ca: 'kube-ca', recipes: TECTONIC_LEAVES, validity }, deps),
    createLeaves({ directory, ca: 'etcd-ca', recipes: etcdLeaves('tls_rotate'), validity }, deps),
  ]);
  return { kube: { ca: kubeCaPair, ...kube }, etcd: { ca: etcdCaPair, ...etcd }, tectonic };
}

async function readCaPair(cluster: SelfHostedCluster, name: SelfHostedCaName, deps: LabDeps): Promise<KeyPair> {
  const directory = pkiDirectory(cluster.id);
  const key = await readNodeText(caFiles(directory, name).key, deps);
  return { certificate: await readCa(directory, name, deps), key };
}

function validityUntil(end: number, days: number): Validity {
  return { notBefore: new Date(end - days * MS_PER_DAY), notAfter: new Date(end) };
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function unexpected(subject: string): LabError {
  return new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: 'the cluster is not in its initial state',
    subject,
    hint: 'break a cluster only once',
  });
}
