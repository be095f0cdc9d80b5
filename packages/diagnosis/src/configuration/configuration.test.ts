import { hostPath, type Host } from '@kube-rescue/host';
import { componentFlags, readStaticPods } from '@kube-rescue/node-config';
import { buildPki, createFakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { findForeignAddresses } from './addresses.ts';
import { findOutdatedCopies } from './kubeconfig-copies.ts';
import { findUnreadableFlagFiles } from './named-files.ts';
import { findRenamedNode } from './node-name.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

function apiServer(flags: readonly string[], mounts: readonly string[] = ['/etc/kubernetes/pki']): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kube-apiserver', namespace: 'kube-system' },
    spec: {
      containers: [
        {
          name: 'kube-apiserver',
          image: 'kube-apiserver',
          command: ['kube-apiserver', ...flags],
          volumeMounts: mounts.map((path, index) => ({ name: `v${index}`, mountPath: path })),
        },
      ],
      volumes: mounts.map((path, index) =>
        path === '/run/secret' ? { name: `v${index}`, emptyDir: {} } : { name: `v${index}`, hostPath: { path } },
      ),
    },
  });
}

async function unreadable(flags: readonly string[], files: Record<string, string>, mounts?: readonly string[]) {
  const host = createFakeHost({ tree: treeOf({ ...files, [MANIFEST]: apiServer(flags, mounts) }) });
  const { pods } = await readStaticPods({ directory: hostPath('/etc/kubernetes/manifests') }, { host });
  const components = pods.flatMap((pod) => componentFlags(pod) ?? []);
  const findings = await findUnreadableFlagFiles(components, new Set(['/etc/kubernetes/pki/judged.crt']), { host });
  return findings.flatMap(({ evidence }) => evidence);
}

describe('files that flags name', () => {
  it.each([
    [
      'a file that is missing',
      ['--encryption-provider-config=/etc/kubernetes/pki/enc.yaml'],
      '/etc/kubernetes/pki/enc.yaml: the file does not exist',
    ],
    [
      'each of several keys',
      [
        '--service-account-key-file=/etc/kubernetes/pki/sa.pub',
        '--service-account-key-file=/etc/kubernetes/pki/old.pub',
      ],
      '/etc/kubernetes/pki/old.pub: the file does not exist',
    ],
    [
      'a pair with names',
      ['--tls-sni-cert-key=/etc/kubernetes/pki/sni.crt,/etc/kubernetes/pki/sni.key:a.example,b.example'],
      '/etc/kubernetes/pki/sni.key: the file does not exist',
    ],
    [
      'a file that is there but not mounted',
      ['--authentication-config=/etc/kubernetes/authn.yaml'],
      '/etc/kubernetes/authn.yaml: no volume of the pod mounts it',
    ],
  ])('include %s', async (_title, flags, expected) => {
    const files = {
      '/etc/kubernetes/pki/sa.pub': 'key',
      '/etc/kubernetes/pki/sni.crt': 'pem',
      '/etc/kubernetes/authn.yaml': 'kind: X',
    };
    expect(await unreadable(flags, files)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ['a file that is there and mounted', ['--audit-policy-file=/etc/kubernetes/pki/policy.yaml']],
    ['a file that the program writes', ['--audit-log-path=/var/log/audit.log', '--log-file=/etc/kubernetes/pki/x.log']],
    ['a certificate that is judged already', ['--tls-cert-file=/etc/kubernetes/pki/judged.crt']],
    ['a file of a volume that is not on the host', ['--oidc-ca-file=/run/secret/ca.crt']],
    ['a prefix of keys', ['--etcd-prefix=/registry']],
  ])('do not include %s', async (_title, flags) => {
    const files = { '/etc/kubernetes/pki/policy.yaml': 'kind: Policy' };
    expect(await unreadable(flags, files, ['/etc/kubernetes/pki', '/run/secret'])).toEqual([]);
  });
});

/** As the kernel prints it, for a machine with 198.51.100.7 on its interface. */
const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 0.0.0.0/0 2 0 2
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 198.51.100.0/24 2 0 2
        |-- 198.51.100.7
           /32 host LOCAL
        |-- 198.51.100.255
           /32 link BROADCAST
`;
const IF_INET6 = '20010db8000000000000000000000007 02 40 00 80     eth0\n';

async function foreign(flags: Readonly<Record<string, string>>, kind: Host['kind'] = 'live') {
  const tree = treeOf({ '/proc/net/fib_trie': FIB_TRIE, '/proc/net/if_inet6': IF_INET6 });
  const host = { ...createFakeHost({ tree }), kind };
  const etcd = { component: 'etcd', source: hostPath('/x'), flags: new Map(Object.entries(flags)) } as const;
  return findForeignAddresses([etcd], { host });
}

describe('addresses in flags', () => {
  it('are named when the machine has another one', async () => {
    const [finding] = await foreign({ 'listen-peer-urls': 'https://192.0.2.10:2380' });
    expect(finding?.summary).toContain('192.0.2.10, which is not an address of this machine');
    expect(finding?.evidence).toContain('addresses of this machine: 198.51.100.7, 2001:db8::7');
  });

  it.each([
    'https://198.51.100.7:2380,https://127.0.0.1:2379',
    'https://[2001:DB8:0::7]:2380',
    'https://0.0.0.0:2380',
    'https://[::]:2380',
    'http://127.9.9.9:2381',
    'unix:///run/etcd.sock',
    'https://etcd.example:2380',
  ])('are right: %s', async (urls) => {
    expect(await foreign({ 'listen-client-urls': urls })).toEqual([]);
  });

  it('are not judged on a copy', async () => {
    expect(await foreign({ 'listen-peer-urls': 'https://192.0.2.10:2380' }, 'copy')).toEqual([]);
  });
});

describe("the kubelet's name", () => {
  const kubeletOf = (flags: Readonly<Record<string, string>>, hostnameOverride?: string) => ({
    component: { component: 'kubelet', source: hostPath('/x'), flags: new Map(Object.entries(flags)) } as const,
    hostnameOverride,
  });
  const renamed = (name: string, kubelet = kubeletOf({}), kind: Host['kind'] = 'copy') =>
    findRenamedNode(kubelet, 'cp1', { host: { ...createFakeHost({ tree: treeOf({ '/etc/hostname': name }) }), kind } });

  it.each([
    ["the machine's name", 'ctl-a.example.internal\n', undefined],
    ['--hostname-override', 'cp1\n', 'ctl-a.example.internal'],
  ])('differs from its certificate by %s', async (source, name, override) => {
    const [finding] = await renamed(name, kubeletOf({}, override));
    expect(finding?.summary).toContain('ctl-a.example.internal');
    expect(finding?.evidence[0]).toContain(source);
    expect(finding?.hint).toContain('--hostname-override=cp1');
  });

  it('is taken from the running machine before its file', async () => {
    const tree = treeOf({ '/proc/sys/kernel/hostname': 'cp1\n', '/etc/hostname': 'next' });
    expect(await findRenamedNode(kubeletOf({}), 'cp1', { host: createFakeHost({ tree }) })).toEqual([]);
  });

  it.each([
    ['in other case', 'CP1\n', kubeletOf({})],
    ['after a comment', '# set by cloud-init\n\ncp1\n', kubeletOf({})],
    ['given by a flag', 'other\n', kubeletOf({}, 'cp1')],
    ['given by a cloud provider', 'other\n', kubeletOf({ 'cloud-provider': 'aws' })],
  ])('is right %s', async (_title, name, kubelet) => {
    expect(await renamed(name, kubelet)).toEqual([]);
  });
});

describe('copies of admin.conf in home directories', () => {
  async function copiesIn(files: (admin: { expired: string; valid: string }) => Record<string, string>) {
    const admin = hostPath('/etc/kubernetes/admin.conf');
    const { tree: old } = await buildPki({ now: NOW, expired: ['admin.conf'] });
    const expired = await textOf(createFakeHost({ tree: old }));
    const { tree } = await buildPki({ now: NOW });
    const valid = await textOf(createFakeHost({ tree }));
    const host = createFakeHost({ tree: new Map([...tree, ...treeOf(files({ expired, valid }))]) });
    return findOutdatedCopies(admin, { host, now: NOW });
    async function textOf(from: Host): Promise<string> {
      return Buffer.from((await from.readFile(admin)) ?? []).toString();
    }
  }

  it('are named with the command that replaces them', async () => {
    const [finding] = await copiesIn(({ expired }) => ({
      '/root/.kube/config': expired,
      '/home/ops/.kube/config': expired,
    }));
    expect(finding?.evidence).toEqual([
      '/root/.kube/config: its certificate has expired',
      '/home/ops/.kube/config: its certificate has expired',
    ]);
    expect(finding?.hint).toContain('cp -i /etc/kubernetes/admin.conf /home/ops/.kube/config');
  });

  it('are not named when they work, belong to another cluster, or cannot be read', async () => {
    const findings = await copiesIn(({ expired, valid }) => ({
      '/root/.kube/config': valid,
      '/home/ops/.kube/config': expired.replace(/server: .*/, 'server: https://other.example:6443'),
      '/home/dev/.kube/config': 'not: [a kubeconfig',
    }));
    expect(findings).toEqual([]);
  });
});
