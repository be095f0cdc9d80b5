import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import {
  type AlgorithmProfile,
  captureTree,
  CONFIGURED_PERIODS,
  type EncryptionAlgorithm,
  type GoldenDocument,
  KEY_ALGORITHMS,
  type NodeTree,
  profileCertificate,
  readTree,
} from '@kube-rescue/testing';
import { type Ended, runProgram } from '../../../apps/cli/src/cli-process.fixture.ts';

/** Since 1.31; older ones take `v1beta2`, with a feature gate for ECDSA and without lifetimes. */
const V1BETA4_SINCE = 31;
const FEATURE_GATES: Readonly<Partial<Record<EncryptionAlgorithm, string>>> = {
  'RSA-2048': 'featureGates: { PublicKeysECDSA: false }\n',
  'ECDSA-P256': 'featureGates: { PublicKeysECDSA: true }\n',
};
const PHASES = ['certs all', 'kubeconfig all', 'control-plane all', 'etcd local', 'kubelet-start'];
const CERTIFICATES = ['certs ca', 'certs apiserver'];
const DIRECTORIES = ['/etc/kubernetes', '/var/lib/kubelet'];
const STORE = '/var/lib/kubelet/pki';

/**
 * What this kubeadm writes: a node of its default configuration, and certificates of every key algorithm and of configured lifetimes.
 * The phases of `kubeadm init` write below `--rootfs`; nothing is started.
 */
export async function captureKubeadm(kubeadm: string): Promise<GoldenDocument> {
  const version = (await runProgram(kubeadm, ['version', '--output=short'])).stdout.trim();
  const isV1beta4 = Number(version.split('.')[1]) >= V1BETA4_SINCE;
  const configuration = configurationOf(version, isV1beta4);
  return {
    version,
    configuration,
    ...(await captureNode(kubeadm, configuration)),
    algorithms: await captureAlgorithms(kubeadm, configuration, isV1beta4),
    configuredLifetimes: isV1beta4 ? await captureLifetimes(kubeadm, configuration) : null,
  };
}

function configurationOf(version: string, isV1beta4: boolean): string {
  const api = `kubeadm.k8s.io/${isV1beta4 ? 'v1beta4' : 'v1beta2'}`;
  return `apiVersion: ${api}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 10.9.0.11
nodeRegistration:
  name: node01
  criSocket: unix:///run/containerd/containerd.sock
---
apiVersion: ${api}
kind: ClusterConfiguration
kubernetesVersion: ${version}
networking:
  podSubnet: 10.244.0.0/16
`;
}

async function captureNode(kubeadm: string, configuration: string): Promise<Pick<GoldenDocument, 'listed' | 'files'>> {
  await using root = await makeRoot(kubeadm, configuration);
  for (const phase of PHASES) await succeed(root.run('init', 'phase', ...phase.split(' ')));
  const { stdout } = await succeed(root.run('certs', 'check-expiration'));
  const listed = [...stdout.matchAll(/^(\S+) +[A-Z][a-z]{2} \d\d, \d{4} /gm)].map(([, name = '']) => name);
  await startAsKubelet(root.directory);
  await succeed(root.run('init', 'phase', 'kubelet-finalize', 'all'));
  return { listed, files: await captureTree(await root.tree()) };
}

/** A kubelet that starts moves its certificate from kubelet.conf to its store, which `kubelet-finalize` waits for. */
async function startAsKubelet(root: string): Promise<void> {
  const kubeconfig = await readFile(path.join(root, 'etc/kubernetes/kubelet.conf'), 'utf8');
  const pems = ['client-certificate-data', 'client-key-data'].map((name) => {
    return Buffer.from(new RegExp(`${name}: (\\S+)`).exec(kubeconfig)?.[1] ?? '', 'base64').toString();
  });
  const dated = `${STORE}/kubelet-client-2026-01-02-03-04-05.pem`;
  await mkdir(path.join(root, STORE), { recursive: true });
  await writeFile(path.join(root, dated), pems.join(''), { mode: 0o600 });
  await symlink(dated, path.join(root, STORE, 'kubelet-client-current.pem'));
}

async function captureAlgorithms(
  kubeadm: string,
  configuration: string,
  isV1beta4: boolean,
): Promise<GoldenDocument['algorithms']> {
  const captured: [EncryptionAlgorithm, AlgorithmProfile][] = [];
  for (const algorithm of Object.keys(KEY_ALGORITHMS) as EncryptionAlgorithm[]) {
    const words = isV1beta4 ? `encryptionAlgorithm: ${algorithm}\n` : FEATURE_GATES[algorithm];
    if (words === undefined) continue;
    await using root = await makeRoot(kubeadm, configuration + words);
    const [first, second] = CERTIFICATES.map((phase) => () => root.run('init', 'phase', ...phase.split(' ')));
    const { exitCode, stderr } = (await first?.()) ?? {};
    if (exitCode !== 0 && stderr?.includes(`encryptionAlgorithm: Invalid value: "${algorithm}"`) === true) continue;
    if (exitCode !== 0) throw new Error(stderr);
    if (second !== undefined) await succeed(second());
    captured.push([algorithm, await profileAlgorithm(root)]);
  }
  return Object.fromEntries(captured);
}

async function profileAlgorithm(root: Root): Promise<AlgorithmProfile> {
  const { ca, leaf, key } = await root.pair();
  const cas = new Map([['ca', ca]]);
  const { key: algorithm, signature } = await profileCertificate(leaf, cas);
  return { key: algorithm, pem: /BEGIN (.+)-----/.exec(key)?.[1] ?? '', signature };
}

async function captureLifetimes(
  kubeadm: string,
  configuration: string,
): Promise<GoldenDocument['configuredLifetimes']> {
  const periods = Object.entries(CONFIGURED_PERIODS).map(([name, period]) => `${name}: ${period}\n`);
  await using root = await makeRoot(kubeadm, configuration + periods.join(''));
  for (const phase of CERTIFICATES) await succeed(root.run('init', 'phase', ...phase.split(' ')));
  const { ca, leaf } = await root.pair();
  const [ofCa, ofLeaf] = await Promise.all([ca, leaf].map((pem) => profileCertificate(pem, new Map([['ca', ca]]))));
  const lifetime = (profile = ofCa): { days: number; minutes: number } => ({
    days: profile?.days ?? 0,
    minutes: profile?.minutes ?? 0,
  });
  return { ca: lifetime(ofCa), leaf: lifetime(ofLeaf) };
}

interface Root extends AsyncDisposable {
  readonly directory: string;
  run(...words: readonly string[]): Promise<Ended>;
  tree(): Promise<NodeTree>;
  /** The cluster CA, and the serving certificate of the API server with its key. */
  pair(): Promise<{ readonly ca: string; readonly leaf: string; readonly key: string }>;
}

/** A directory that kubeadm takes for the root directory of a machine. */
async function makeRoot(kubeadm: string, configuration: string): Promise<Root> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-golden-'));
  for (const name of ['etc', 'tmp', 'var/lib']) await mkdir(path.join(directory, name), { recursive: true });
  await writeFile(path.join(directory, 'tmp/kubeadm.yaml'), configuration);
  const host = createLocalHost({ root: hostPath(directory) });
  const pki = (name: string): Promise<string> => readFile(path.join(directory, 'etc/kubernetes/pki', name), 'utf8');
  return {
    directory,
    run: (...words) => runProgram(kubeadm, [...words, '--config', '/tmp/kubeadm.yaml', '--rootfs', directory]),
    tree: async () => {
      const trees = await Promise.all(DIRECTORIES.map((name) => readTree(host, hostPath(name))));
      return new Map(trees.flatMap((tree) => [...tree]));
    },
    pair: async () => {
      const [ca, leaf, key] = await Promise.all([pki('ca.crt'), pki('apiserver.crt'), pki('apiserver.key')]);
      return { ca, leaf, key };
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

async function succeed(running: Promise<Ended>): Promise<Ended> {
  const ended = await running;
  if (ended.exitCode !== 0) throw new Error(ended.stderr);
  return ended;
}
