import { type FuzzTarget } from './fuzz-target.ts';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { parseCredentials } from '@kube-rescue/ingress-dns';
import { buildPki, createFakeHost, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { openRunStore } from '@kube-rescue/workflow';
import { readPatchFile } from '../../apps/cli/src/etcd/patch-file.ts';
import { readPlan } from '../../apps/cli/src/plan-file.ts';
import { parseCertificate } from '../../packages/x509/src/certificate/certificate.ts';
import { parseKubeconfig } from '../../packages/node-config/src/kubeconfig/kubeconfig.ts';
import { detect } from '../../packages/cert-rotation/src/objects/certificate-detection.ts';
import { readPem } from '../../packages/x509/src/encoding/pem.ts';
import { parsePrivateKey } from '../../packages/x509/src/keys/private-key.ts';
import { readCertificateSet, type SetReader } from '../../packages/cert-rotation/src/adoption/certificate-set.ts';
import { parseNetConf } from '../../packages/cni-bootstrap/src/flannel/net-conf.ts';
import { judgeSubnetEnv } from '../../packages/cni-bootstrap/src/flannel/subnet-env.ts';
import { parseNetworkConfiguration } from '../../packages/cni-bootstrap/src/network/network-configuration.ts';
import { readContainerdDirectories } from '../../packages/cni-bootstrap/src/directories/containerd-directories.ts';
import { parseEncryptionConfiguration } from '../../packages/etcd-access/src/objects/encryption-configuration.ts';
import { createStoredValue, readStoredValue } from '../../packages/etcd-access/src/objects/stored-value.ts';
import { valueEncryption } from '../../packages/etcd-access/src/objects/value-encryption.ts';
import { readCheckpoints } from '../../packages/static-manifests/src/pod-checkpointer/checkpoint-reading.ts';
import { readKubeletConfiguration } from '../../packages/node-config/src/kubelet/kubelet-configuration.ts';
import { setPodAnnotation } from '../../packages/static-manifests/src/restart/pod-annotation.ts';
import { decodePod } from '../../packages/node-config/src/static-pods/pod-decoding.ts';
import { readServiceCommand } from '../../packages/node-config/src/components/systemd-unit.ts';
import { answerDns } from './dns-answer.ts';
import { answerApi } from './api-answer.ts';
import { answerAws } from './aws-answer.ts';
import { hostileApi, hostileAws, hostileEtcd, hostileHttp } from './hostile-peers.ts';
import { journalTargets } from './journal-damage.ts';
const pki = buildPki({ algorithm: 'ecdsa' });
const PATH = hostPath('/input');
const CERTS = '/packages/cert-rotation/';
const MANIFESTS = '/packages/static-manifests/';

const text = (input: Buffer): string => input.toString('utf8');
const buffers = (...texts: readonly string[]): readonly Buffer[] => texts.map((each) => Buffer.from(each));
const hostWith = (files: Readonly<Record<string, string>>) => createFakeHost({ tree: treeOf(files) });

async function treeFile(path: string): Promise<string> {
  const entry = (await pki).tree.get(hostPath(path));
  if (entry?.kind !== 'file') throw new Error(`the tree has no ${path}`);
  return Buffer.from(entry.bytes).toString();
}

const manifests = async (): Promise<readonly Buffer[]> =>
  buffers(
    ...Object.values(
      staticPodManifests({
        nodeName: 'node01',
        address: '10.9.0.11',
        certificatesDir: hostPath('/etc/kubernetes/pki'),
      }),
    ),
  );

const encryption = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aescbc: {keys: [{name: one, secret: ${Buffer.alloc(32, 7).toString('base64')}}]}
  - aesgcm: {keys: [{name: two, secret: ${Buffer.alloc(16, 7).toString('base64')}}]}
  - secretbox: {keys: [{name: three, secret: ${Buffer.alloc(32, 9).toString('base64')}}]}
  - identity: {}
`;
const secretBox = valueEncryption(parseEncryptionConfiguration(encryption, 'x'), RESOURCE_KINDS.Secret);
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'one', namespace: 'default', uid: 'u', labels: { a: 'b' } },
  data: { a: 'b2xk', 'ca.crt': 'eA==' },
};

const journal = [
  {
    type: 'run',
    version: 1,
    id: '20261122T111800Z-1f3a',
    playbook: 'kubeadm',
    host: 'cp1',
    at: '2026-11-22T11:18:00Z',
  },
  {
    type: 'intent',
    seq: 0,
    step: 'pki',
    change: { kind: 'file.replace', target: '/x' },
    captured: { after: 'absent' },
  },
  { type: 'applied', step: 'pki', at: '2026-11-22T11:18:01Z' },
  { type: 'end', outcome: 'done', at: '2026-11-22T11:18:02Z' },
];

/** The journal of a made-up run. */
const RUN = '/var/lib/kube-rescue/runs/20261122T111800Z-1f3a/journal.jsonl';

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'pem',
    directory: CERTS,
    corpus: async () => buffers((await pki).pairs.apiserver.certificate, (await pki).pairs.ca.key),
    run: (input) => readPem(text(input), 'input'),
  },
  {
    name: 'certificate',
    directory: CERTS,
    corpus: async () =>
      Object.values((await pki).pairs).map(({ certificate }) =>
        Buffer.from(certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64'),
      ),
    run: (input) => parseCertificate(input, 'input'),
  },
  {
    name: 'private-key',
    directory: CERTS,
    corpus: async () => buffers((await pki).pairs.ca.key, (await pki).pairs.apiserver.key),
    run: (input) => parsePrivateKey(text(input), 'input'),
  },
  {
    name: 'object-value',
    directory: CERTS,
    corpus: async () => buffers((await pki).pairs.ca.certificate, await treeFile('/etc/kubernetes/admin.conf')),
    run: (input) => detect(input, 'input', new Map()),
  },
  {
    name: 'kubeconfig',
    directory: CERTS,
    corpus: async () =>
      buffers(await treeFile('/etc/kubernetes/admin.conf'), await treeFile('/etc/kubernetes/kubelet.conf')),
    run: (input) => parseKubeconfig(text(input), PATH),
  },
  {
    name: 'adopted-set',
    directory: CERTS,
    corpus: async () =>
      buffers(
        Object.values((await pki).pairs)
          .map(({ certificate, key }) => certificate + key)
          .join(''),
      ),
    run: (input) => {
      const files: SetReader = hostWith({
        '/set/all.pem': input.toString('latin1'),
      });
      return readCertificateSet(hostPath('/set'), files);
    },
  },
  {
    name: 'manifest',
    directory: MANIFESTS,
    corpus: manifests,
    run: (input) => decodePod(input, { path: PATH, mode: 0o600, uid: 0, gid: 0 } as Parameters<typeof decodePod>[1]),
  },
  {
    name: 'manifest-edit',
    directory: MANIFESTS,
    corpus: manifests,
    run: (input) => setPodAnnotation(text(input), 'kube-rescue.dev/restarted', 'now'),
  },
  {
    name: 'checkpoint',
    directory: MANIFESTS,
    corpus: async () => {
      const pod = {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { name: 'kube-apiserver-2rdtv', namespace: 'kube-system' },
      };
      const annotations = { 'checkpointer.alpha.coreos.com/checkpoint-of': 'kube-apiserver-2rdtv' };
      const spec = {
        containers: [{ name: 'a', command: ['/usr/bin/flock', 'x', 'kube-apiserver', '--secure-port=443'] }],
      };
      return buffers(JSON.stringify({ ...pod, metadata: { ...pod.metadata, annotations }, spec }));
    },
    run: (input) => {
      const name = 'kube-system-kube-apiserver-2rdtv.json';
      const host = hostWith({
        [`/etc/kubernetes/inactive-manifests/${name}`]: text(input),
        '/etc/kubernetes/manifests/a': '',
      });
      return readCheckpoints({ directory: hostPath('/etc/kubernetes/manifests') }, { host });
    },
  },
  {
    name: 'systemd-unit',
    directory: MANIFESTS,
    corpus: async () =>
      buffers(
        '[Service]\nEnvironment="A=b c"\nExecStartPre=/bin/true\nExecStart=/usr/bin/kubelet \\\n  --a=${A} "--b=x y"\n',
      ),
    run: (input) =>
      readServiceCommand('kubelet', { host: hostWith({ '/etc/systemd/system/kubelet.service': text(input) }) }),
  },
  {
    name: 'kubelet-configuration',
    directory: MANIFESTS,
    corpus: async () => buffers(await treeFile('/var/lib/kubelet/config.yaml')),
    run: (input) => readKubeletConfiguration({ host: hostWith({ '/var/lib/kubelet/config.yaml': text(input) }) }),
  },
  {
    name: 'encryption-configuration',
    directory: '/packages/etcd-access/',
    corpus: async () => buffers(encryption),
    run: (input) => parseEncryptionConfiguration(text(input), 'input'),
  },
  {
    name: 'etcd-value',
    directory: '/packages/etcd-access/',
    corpus: async () => [
      Buffer.from(createStoredValue(secret, RESOURCE_KINDS.Secret)),
      Buffer.from(JSON.stringify(secret)),
      Buffer.from(await secretBox.encrypt(createStoredValue(secret, RESOURCE_KINDS.Secret), '/k', 'x', undefined)),
    ],
    run: async (input) =>
      readStoredValue(await secretBox.decrypt(input, '/k', 'input'), RESOURCE_KINDS.Secret, 'input'),
  },
  {
    name: 'journal',
    directory: '/packages/workflow/',
    corpus: async () => buffers(`${journal.map((record) => JSON.stringify(record)).join('\n')}\n`),
    run: async (input) => {
      const store = openRunStore(hostWith({ [RUN]: text(input) }));
      await store.survey();
      return (await store.open('latest')).state();
    },
  },
  ...journalTargets(),
  {
    name: 'plan',
    directory: '/apps/cli/',
    corpus: async () =>
      buffers(
        JSON.stringify({
          version: 1,
          playbook: 'x',
          host: 'h',
          createdAt: 'now',
          entries: [{ step: 's', changes: [] }],
        }),
      ),
    run: (input) => readPlan(PATH, hostWith({ [PATH]: text(input) })),
  },
  {
    name: 'patch-file',
    directory: '/apps/cli/',
    corpus: async () => buffers('metadata:\n  labels: {a: b}\ndata:\n  x: null\n', '{"spec":{"replicas":2}}'),
    run: (input) => readPatchFile(PATH, hostWith({ [PATH]: text(input) })),
  },
  {
    name: 'aws-credentials',
    directory: '/packages/ingress-dns/',
    corpus: async () =>
      buffers(
        '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n',
        '{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","SessionToken":"y"}',
        'AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nexport AWS_SECRET_ACCESS_KEY="x"\n',
      ),
    run: (input) => parseCredentials(text(input), 'input'),
  },
  {
    name: 'aws-response',
    directory: '/packages/ingress-dns/',
    ...answerAws,
  },
  {
    name: 'api-answer',
    directory: '/packages/cluster-objects/',
    ...answerApi,
  },
  {
    name: 'dns-answer',
    directory: '/packages/host/',
    ...answerDns,
  },
  { name: 'hostile-api-server', directory: '/packages/cluster-objects/', ...hostileApi },
  { name: 'hostile-etcd', directory: '/packages/etcd-access/', ...hostileEtcd },
  { name: 'hostile-http', directory: '/packages/host/', ...hostileHttp },
  { name: 'hostile-aws', directory: '/packages/ingress-dns/', ...hostileAws },
  {
    name: 'flannel-configuration',
    directory: '/packages/cni-bootstrap/',
    corpus: async () => buffers('{"Network":"10.2.0.0/16","Backend":{"Type":"vxlan","Port":4789}}'),
    run: (input) => parseNetConf(text(input), 'input'),
  },
  {
    name: 'network-configuration',
    directory: '/packages/cni-bootstrap/',
    corpus: async () =>
      buffers(
        '{"name":"cbr0","plugins":[{"type":"flannel","delegate":{"type":"bridge"}},{"type":"portmap","ipam":{"type":"x"}}]}',
        '{"name":"one","type":"bridge","ipam":{"type":"host-local"}}',
      ),
    run: (input) => parseNetworkConfiguration(text(input)),
  },
  {
    name: 'subnet-env',
    directory: '/packages/cni-bootstrap/',
    corpus: async () =>
      buffers('FLANNEL_NETWORK=10.2.0.0/16\nFLANNEL_SUBNET=10.2.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n'),
    run: (input) => judgeSubnetEnv(text(input), 'FLANNEL_NETWORK=10.2.0.0/16\n'),
  },
  {
    name: 'containerd-configuration',
    directory: '/packages/cni-bootstrap/',
    corpus: async () =>
      buffers(
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "/etc/cni/net.d"\nbin_dir = "/opt/cni/bin"\n',
      ),
    run: (input) =>
      readContainerdDirectories({ ...createLocalHost(), ...hostWith({ '/etc/containerd/config.toml': text(input) }) }),
  },
];
