import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { detailCertificate, parseCertificates } from '@kube-rescue/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const run = promisify(execFile);
const CLI = path.resolve(import.meta.dirname, '../../apps/cli/bin/run.js');
const KUBECONFIGS = ['admin.conf', 'controller-manager.conf', 'kubelet.conf', 'scheduler.conf'];
const PAIRS = [
  'apiserver',
  'apiserver-etcd-client',
  'apiserver-kubelet-client',
  'etcd/healthcheck-client',
  'etcd/peer',
  'etcd/server',
  'front-proxy-client',
];
const PHASES = ['certs all', 'kubeconfig all', 'control-plane all', 'etcd local'];
const KUBELET_PEM = 'var/lib/kubelet/pki/kubelet-client-current.pem';

const CONFIGURATION = `apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 192.0.2.10
nodeRegistration:
  name: cp1
  criSocket: unix:///run/containerd/containerd.sock
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: VERSION
controlPlaneEndpoint: api.example.test:6443
networking:
  serviceSubnet: 10.96.0.0/12
  dnsDomain: corp.test
apiServer:
  certSANs: [extra.example.test, 192.0.2.99]
etcd:
  local:
    serverCertSANs: [etcd.example.test]
`;

let root = '';

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-kubeadm-'));
  await mkdir(path.join(root, 'etc/kubernetes'), { recursive: true });
  await mkdir(path.join(root, 'tmp'));
  await mkdir(path.join(root, 'var/lib/kubelet/pki'), { recursive: true });
  const kubeadm = path.join(directory, 'kubeadm');
  const { stdout } = await run(kubeadm, ['version', '--output=short']);
  const config = '/etc/kubernetes/kubeadm-config.yaml';
  await writeFile(path.join(root, config), CONFIGURATION.replace('VERSION', stdout.trim()));
  for (const phase of PHASES) {
    await run(kubeadm, ['init', 'phase', ...phase.split(' '), '--config', config, '--rootfs', root]);
  }
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const at = (name: string): string => path.join(root, 'etc/kubernetes', name);
const textOf = (name: string): Promise<string> => readFile(at(name), 'utf8');

/** What a certificate says, apart from its dates, its number and its key. */
function sayings(pem: string) {
  const certificate = parseCertificates(pem, 'x')[0];
  const { subject, issuer, subjectAltNames, extendedKeyUsage, keyUsage } = detailCertificate(certificate, new Date());
  return { subject, issuer, subjectAltNames, extendedKeyUsage, keyUsage, isCa: certificate.x509.ca };
}

const masked = (kubeconfig: string): string => kubeconfig.replace(/(client-(?:certificate|key)-data): \S+/g, '$1');

function certificateIn(kubeconfig: string): string {
  const data = /client-certificate-data: (\S+)/.exec(kubeconfig)?.[1] ?? '';
  return Buffer.from(data, 'base64').toString();
}

/** The kubelet keeps its certificate in a store of its own, once it has one. */
async function kubeletCertificate(kubeconfig: string): Promise<string> {
  if (kubeconfig.includes('client-certificate-data:')) return certificateIn(kubeconfig);
  const names = await readdir(path.join(root, path.dirname(KUBELET_PEM)));
  const dated = names.find((name) => /^kubelet-client-\d/.test(name)) ?? '';
  return readFile(path.join(root, path.dirname(KUBELET_PEM), dated), 'utf8');
}

/** Everything that kubeadm wrote for components, as far as it is the same for the same names. */
async function readAll() {
  const pairs = await Promise.all(
    PAIRS.map(async (name) => {
      const modes = await Promise.all(['crt', 'key'].map(async (end) => (await stat(at(`pki/${name}.${end}`))).mode));
      return [name, { ...sayings(await textOf(`pki/${name}.crt`)), modes }] as const;
    }),
  );
  const kubeconfigs = await Promise.all(
    KUBECONFIGS.map(async (name) => {
      const text = await textOf(name);
      const isKubelet = name === 'kubelet.conf';
      const certificate = isKubelet ? await kubeletCertificate(text) : certificateIn(text);
      const shape = isKubelet ? text.slice(0, text.indexOf('    client-certificate')) : masked(text);
      return [name, { shape, ...sayings(certificate), mode: (await stat(at(name))).mode }] as const;
    }),
  );
  return Object.fromEntries<object>([...pairs, ...kubeconfigs]);
}

async function renew(): Promise<void> {
  await run(process.execPath, [CLI, 'certs', 'renew', '--yes', '--root', root]);
}

describe('files that are made from scratch', () => {
  it('are those of kubeadm, for the same node', async () => {
    const before = await readAll();
    const keys = await Promise.all(PAIRS.map((name) => textOf(`pki/${name}.key`)));
    for (const name of [...PAIRS.map((pair) => `pki/${pair}.crt`), 'scheduler.conf', 'admin.conf', 'kubelet.conf']) {
      await truncate(at(name), 0);
    }
    await renew();
    expect(await readAll()).toEqual(before);
    expect(await Promise.all(PAIRS.map((name) => textOf(`pki/${name}.key`)))).toEqual(keys);

    for (const name of PAIRS) await Promise.all(['crt', 'key'].map((end) => rm(at(`pki/${name}.${end}`))));
    await writeFile(at('pki/etcd/healthcheck-client.crt'), '');
    for (const name of ['controller-manager.conf', 'admin.conf']) await rm(at(name));
    await renew();
    expect(await readAll()).toEqual(before);
  });
});
