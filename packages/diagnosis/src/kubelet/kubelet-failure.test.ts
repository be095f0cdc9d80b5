import { type Host, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import {
  buildPki,
  createFakeHost,
  createFixedClock,
  type FakeHostOptions,
  type NodeTree,
  treeOf,
} from '@kube-rescue/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { triageNode } from '../triage.ts';
import { findKubeletFailure } from './kubelet-failure.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const CONFIG = '/var/lib/kubelet/config.yaml';
const SWAPS = 'Filename Type Size Used Priority\n/dev/zram0 partition 3991548 0 100\n';
const CGROUP_V1 = {
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1\n',
  '/run/containerd/containerd.sock': '',
};
const JOURNAL_AT = Date.parse('2026-11-22T11:00:00Z') * 1000;

let tree: NodeTree;
let config: string;
beforeAll(async () => {
  ({ tree } = await buildPki({ now: NOW, algorithm: 'ecdsa' }));
  const entry = tree.get(hostPath(CONFIG));
  config = entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
});

interface Machine extends Omit<FakeHostOptions, 'tree'> {
  readonly kind?: Host['kind'];
  readonly version?: string;
  readonly flags?: string;
  /** Added to the configuration file. */
  readonly fields?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly journal?: readonly object[];
}

/** The programs that were run. */
const run: string[] = [];

function nodeOf({
  kind = 'live',
  version,
  flags = '',
  fields = '',
  files = {},
  journal = [],
  ...options
}: Machine): Node {
  const machine = {
    '/usr/bin/kubelet': 'the program',
    '/etc/systemd/system/kubelet.service': `[Service]\nExecStart=/usr/bin/kubelet --config=${CONFIG} --kubeconfig=/etc/kubernetes/kubelet.conf ${flags}\n`,
    [CONFIG]: config + fields,
    ...files,
  };
  const exec: FakeHostOptions['exec'] = (argv) => {
    run.push(argv.join(' '));
    if (argv[0] === 'journalctl') {
      return { exitCode: 0, stdout: journal.map((entry) => `${JSON.stringify(entry)}\n`).join(''), stderr: '' };
    }
    return version === undefined ? undefined : { exitCode: 0, stdout: `Kubernetes v${version}\n`, stderr: '' };
  };
  const host = { ...createFakeHost({ exec, ...options, tree: new Map([...tree, ...treeOf(machine)]) }), kind };
  const directory = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(directory, { host, clock: createFixedClock(NOW) });
}

async function failureOf(machine: Machine) {
  const node = nodeOf(machine);
  const { findings, evidence } = await findKubeletFailure(await node.describe(), node);
  return { codes: findings.map(({ code }) => code), findings, evidence };
}

describe('a kubelet on cgroup v1', () => {
  it.each([
    ['1.34.9', '', []],
    ['1.34.9', 'failCgroupV1: true\n', ['CGROUP_V1_REFUSED']],
    ['1.30.9', 'failCgroupV1: true\n', []],
    ['1.35.0', '', ['CGROUP_V1_REFUSED']],
    ['1.35.0', 'failCgroupV1: false\n', []],
    ['1.37.2', '', ['CGROUP_V1_REFUSED']],
    [undefined, '', []],
  ] as const)('of version %s with the setting "%s" is refused: %j', async (version, fields, codes) => {
    const machine = { fields, files: CGROUP_V1, ...(version === undefined ? {} : { version }) };
    expect((await failureOf(machine)).codes).toEqual(codes);
  });

  it('is not refused with cgroup v2, nor where no cgroups are mounted', async () => {
    const v2 = { '/sys/fs/cgroup/cgroup.controllers': 'cpu\n' };
    expect((await failureOf({ version: '1.35.0', files: v2 })).codes).not.toContain('CGROUP_V1_REFUSED');
    expect((await failureOf({ version: '1.35.0' })).codes).not.toContain('CGROUP_V1_REFUSED');
  });
});

describe('swap', () => {
  it.each([
    ['', '', ['SWAP_REFUSED']],
    ['failSwapOn: false\n', '', []],
    ['memorySwap:\n  swapBehavior: LimitedSwap\n', '', ['SWAP_REFUSED']],
    // A flag wins over the file.
    ['failSwapOn: false\n', '--fail-swap-on=true', ['SWAP_REFUSED']],
    ['failSwapOn: true\n', '--fail-swap-on=0', []],
  ])('is refused with "%s" in the file and "%s" on the command line: %j', async (fields, flags, codes) => {
    expect((await failureOf({ fields, flags, files: { '/proc/swaps': SWAPS } })).codes).toEqual(codes);
  });

  it('is accepted by a drop-in of --config-dir, and not judged with a drop-in that stops the kubelet', async () => {
    const flags = '--config-dir=/etc/kubelet.d --container-runtime-endpoint=unix:///run/x.sock';
    const dropIn = (text: string) => ({
      '/proc/swaps': SWAPS,
      '/run/x.sock': '',
      '/etc/kubelet.d/10.conf': `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${text}`,
    });
    const codesWith = async (text: string) => (await failureOf({ flags, files: dropIn(text) })).codes;
    expect(await codesWith('failSwapOn: false\n')).toEqual([]);
    expect(await codesWith('maxPods: 110\n')).toEqual(['SWAP_REFUSED']);
    expect(await codesWith('maxPods: "110"\n')).toEqual([]);
  });

  it('is off when the kernel lists none', async () => {
    expect((await failureOf({ files: { '/proc/swaps': 'Filename Type\n' } })).codes).toEqual([]);
  });
});

describe('the container runtime', () => {
  const REMOTE = '--container-runtime-endpoint=unix:///run/crio/crio.sock';

  it('is missing without its socket: the configured one, or the default of 1.27 and later', async () => {
    expect((await failureOf({ flags: REMOTE })).findings[0]).toMatchObject({
      code: 'CONTAINER_RUNTIME_MISSING',
      hint: expect.stringContaining('systemctl start crio'),
    });
    expect((await failureOf({ flags: REMOTE, files: { '/run/crio/crio.sock': '' } })).codes).toEqual([]);
    expect((await failureOf({ version: '1.27.0' })).codes).toEqual(['CONTAINER_RUNTIME_MISSING']);
    expect((await failureOf({ version: '1.26.0' })).codes).toEqual([]);
    const fields = 'containerRuntimeEndpoint: unix:///run/x.sock\n';
    expect((await failureOf({ version: '1.27.0', fields })).codes).toEqual(['CONTAINER_RUNTIME_MISSING']);
    expect((await failureOf({ version: '1.26.0', fields })).codes).toEqual([]);
    expect((await failureOf({ fields: 'containerRuntimeEndpoint: tcp://127.0.0.1:1\n' })).codes).toEqual([]);
    expect((await failureOf({ version: '1.20.15', flags: '--container-runtime=docker' })).codes).toEqual([]);
  });

  it('refuses the kubelet while its CRI plugin is disabled', async () => {
    const withConfig = (toml: string) =>
      failureOf({
        version: '1.30.0',
        files: { '/run/containerd/containerd.sock': '', '/etc/containerd/config.toml': toml },
      });
    expect((await withConfig('version = 2\ndisabled_plugins = [\n  "cri",\n]\n')).codes).toEqual([
      'CONTAINER_RUNTIME_REFUSED',
    ]);
    expect((await withConfig('# disabled_plugins = ["cri"]\ndisabled_plugins = []\n')).codes).toEqual([]);
  });
});

describe('the flags of a kubelet', () => {
  it.each([
    ['1.23.17', '--network-plugin=cni', []],
    ['1.24.0', '--network-plugin=cni', ['FLAG_UNKNOWN']],
    ['1.26.0', '--logtostderr=true --v=2', ['FLAG_UNKNOWN']],
    ['1.27.0', '--config-dir=/etc/kubelet.d', ['FLAG_UNKNOWN']],
    ['1.28.0', '--config-dir=/etc/kubelet.d', []],
    ['1.34.9', '--pod-infra-container-image=pause', []],
  ])('of %s, %s: %j', async (version, flags, codes) => {
    const files = { '/etc/kubelet.d/README': '', '/run/containerd/containerd.sock': '' };
    expect((await failureOf({ version, flags, files })).codes).toEqual(codes);
  });

  it('do not include the fields of its file, which it ignores when it does not know them', async () => {
    expect((await failureOf({ version: '1.26.0', fields: 'failCgroupV1: true\nnoSuchField: 1\n' })).codes).toEqual([]);
  });
});

describe('the version of a kubelet', () => {
  const REMOVED = '--container-runtime=remote';
  const STATUS =
    'Package: kubelet-doc\nStatus: install ok installed\nVersion: 1.20.0\n\nPackage: kubelet\nStatus: hold ok installed\nVersion: 1.27.4-1.1\n';

  it('on a copy is that of its package, and nothing is run', async () => {
    run.length = 0;
    const files = { '/var/lib/dpkg/status': STATUS };
    const { findings } = await failureOf({ kind: 'copy', version: '1.20.0', flags: REMOVED, files });
    expect(findings[0]?.evidence).toContain('version 1.27.4: /var/lib/dpkg/status');
    expect(run).toEqual([]);
    const removed = { '/var/lib/dpkg/status': STATUS.replace('hold ok installed', 'deinstall ok config-files') };
    expect((await failureOf({ kind: 'copy', flags: REMOVED, files: removed })).codes).toEqual([]);
  });

  it('is not asked of a program that is not root’s, nor of a wrapper', async () => {
    const foreign = new Map([
      ...tree,
      [
        hostPath('/usr/bin/kubelet'),
        { kind: 'file', bytes: Buffer.from('x'), mode: 0o755, owner: { uid: 1000, gid: 0 } },
      ] as const,
    ]);
    run.length = 0;
    const exec: FakeHostOptions['exec'] = (argv) => {
      run.push(argv.join(' '));
      return { exitCode: 0, stdout: 'Kubernetes v1.27.0\n', stderr: '' };
    };
    const host = createFakeHost({ exec, tree: foreign });
    const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
    const node = openNode(options, { host, clock: createFixedClock(NOW) });
    await findKubeletFailure(await node.describe(), node);
    const wrapper = { '/etc/systemd/system/kubelet.service': `[Service]\nExecStart=/opt/start-kubelet ${REMOVED}\n` };
    await failureOf({ version: '1.27.0', files: wrapper });
    expect(run.filter((line) => !line.startsWith('journalctl'))).toEqual([]);
  });
});

describe('the journal of a kubelet', () => {
  const entry = (pid: string, MESSAGE: unknown, at = JOURNAL_AT) => ({
    _PID: pid,
    __REALTIME_TIMESTAMP: String(at),
    MESSAGE,
  });
  const FLAG = 'E1122 run.go:72] "command failed" err="failed to parse kubelet flag: unknown flag: --no-such"';

  it('is that of its newest process, in any bytes', async () => {
    const journal = [
      entry('1', FLAG),
      entry('2', 'I1 starting'),
      entry('2', [...Buffer.from('F1122 \u001b[31mno way')]),
    ];
    const { codes, evidence } = await failureOf({ journal });
    expect(codes).toEqual([]);
    expect(evidence).toEqual([
      'log of the kubelet ends: journal of kubelet.service, 2026-11-22 11:00:00 UTC',
      'log of the kubelet: F1122 \\x1b[31mno way',
    ]);
  });

  it('explains a flag that no table has, while the flag is set', async () => {
    const journal = [entry('1', FLAG)];
    expect((await failureOf({ journal, flags: '--no-such=1' })).codes).toEqual(['FLAG_UNKNOWN']);
    expect((await failureOf({ journal })).codes).toEqual([]);
  });

  it('does not contradict the machine: swap is off by now', async () => {
    const said = 'E1122 run.go:72] "command failed" err="failed to run Kubelet: running with swap on is not supported"';
    const { codes, evidence } = await failureOf({
      journal: [entry('1', said)],
      files: { '/proc/swaps': 'Filename\n' },
    });
    expect(codes).toEqual([]);
    expect(evidence.join()).toContain('running with swap on');
  });

  it('shows why a kubelet does not start in the causes of a triage', async () => {
    const said = 'E1122 run.go:72] "command failed" err="failed to run Kubelet: unable to load bootstrap kubeconfig"';
    const node = nodeOf({ journal: [entry('1', said)] });
    const { causes } = await triageNode(node, new AbortController().signal);
    expect(causes.map(({ code }) => code)).toEqual(['COMPONENT_DOWN']);
    expect(causes[0]?.evidence).toContain(`log of the kubelet: ${said}`);
  });
});

it('a kubelet that runs is never judged, and nothing is run for it', async () => {
  run.length = 0;
  const processes = () => [
    {
      pid: 7,
      argv: ['/usr/bin/kubelet', '--container-runtime=remote'],
      uid: 0,
      startTicks: 7,
      cgroup: '0::/system.slice/kubelet.service\n',
    },
  ];
  const files = { ...CGROUP_V1, '/proc/swaps': SWAPS };
  expect(await failureOf({ processes, version: '1.35.0', files, journal: [{}] })).toMatchObject({
    codes: [],
    evidence: [],
  });
  expect(run).toEqual([]);
});
