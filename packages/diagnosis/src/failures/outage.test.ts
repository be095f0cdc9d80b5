import { type Host, hostPath, POD_LOGS } from '@kube-rescue/host';
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

const NOW = new Date('2026-11-22T12:00:00Z');
const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';
const LOGS = `${POD_LOGS}/kube-system_kube-apiserver-node01_2/kube-apiserver`;
const line = (text: string, at = '2026-11-22T11:00:00Z') => `${at} stderr F ${text}\n`;
const PORT_IN_USE = 'err="failed to create listener: listen tcp 0.0.0.0:6443: bind: address already in use"';
const KUBELET = { pid: 7, argv: ['/usr/bin/kubelet'], uid: 0, startTicks: 7, cgroup: '0::/kubelet.service\n' };

let tree: NodeTree;
beforeAll(async () => {
  ({ tree } = await buildPki({ now: NOW, algorithm: 'ecdsa' }));
});

interface Machine extends Omit<FakeHostOptions, 'tree'> {
  readonly files?: Readonly<Record<string, string>>;
  /** Times of changes; default: 1970. */
  readonly changed?: Readonly<Record<string, string>>;
  readonly edit?: (manifest: string) => string;
}

function nodeOf({ files = {}, changed = {}, edit, ...options }: Machine): Node {
  const entry = tree.get(hostPath(MANIFEST));
  const manifest = entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
  const edited = edit === undefined ? {} : { [MANIFEST]: edit(manifest) };
  const fake = createFakeHost({
    processes: () => [KUBELET],
    ...options,
    tree: new Map([...tree, ...treeOf({ ...edited, ...files })]),
  });
  const host: Host = {
    ...fake,
    stat: async (path) => {
      const stat = await fake.stat(path);
      const time = changed[path];
      return stat === undefined || time === undefined ? stat : { ...stat, modifiedAt: new Date(time) };
    },
  };
  const directory = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  return openNode(directory, { host, clock: createFixedClock(NOW) });
}

async function triageOf(machine: Machine) {
  const { causes } = await triageNode(nodeOf(machine), new AbortController().signal);
  return { codes: causes.map(({ code }) => code), causes, text: JSON.stringify(causes) };
}

describe('a static pod that is down', () => {
  it('has the reason of its log before the list of what is down, which follows from it', async () => {
    const { codes, causes } = await triageOf({ files: { [`${LOGS}/3.log`]: line(PORT_IN_USE) } });
    expect(codes).toEqual(['PORT_IN_USE', 'COMPONENT_DOWN']);
    expect(causes[0]).toMatchObject({
      summary: 'kube-apiserver does not start: another process listens on 0.0.0.0:6443',
      evidence: [`${LOGS}/3.log, 2026-11-22 11:00:00 UTC: ${PORT_IN_USE}`],
    });
    expect(causes[0]?.hint).toContain("ss -ltnp 'sport = :6443'");
    expect(causes[1]?.hint).toBe('follows from the problems above');
  });

  it('shows its last lines when the reason is not known, without secrets', async () => {
    const log = `${line('I1122 starting')}${line('F1122 main.go:1] no such thing, token: hunter2')}${line('goroutine 1 [running]:')}`;
    const { codes, causes, text } = await triageOf({ files: { [`${LOGS}/3.log`]: log } });
    expect(codes).toEqual(['COMPONENT_DOWN']);
    expect(causes[0]?.evidence).toContain(`log of kube-apiserver ends: ${LOGS}/3.log, 2026-11-22 11:00:00 UTC`);
    expect(text).toContain('log of kube-apiserver: F1122 main.go:1] no such thing');
    expect(text).not.toMatch(/hunter2|goroutine/);
  });

  it.each([
    ['its manifest', MANIFEST],
    ['a certificate that it uses', '/etc/kubernetes/pki/apiserver.crt'],
  ])('is not explained by a log from before the last change of %s', async (_, path) => {
    const { codes, text } = await triageOf({
      files: { [`${LOGS}/3.log`]: line(PORT_IN_USE) },
      changed: { [path]: '2026-11-22T11:00:01Z' },
    });
    expect(codes).toEqual(['COMPONENT_DOWN']);
    expect(text).toContain(`before ${path} changed`);
  });

  it('is explained by the directory of its newest pod only', async () => {
    const old = LOGS.replace('_2/', '_1/');
    const { codes } = await triageOf({
      files: {
        [`${old}/9.log`]: line('Error: unknown flag: --allow-privileged', '2026-11-22T10:00:00Z'),
        [`${LOGS}/0.log`]: line(PORT_IN_USE),
      },
    });
    expect(codes).toEqual(['PORT_IN_USE', 'COMPONENT_DOWN']);
  });

  it('is explained by a flag for as long as the manifest has it, however old the log is', async () => {
    const machine: Machine = {
      files: { [`${LOGS}/3.log`]: line('Error: unknown flag: --cloud-provider') },
      changed: { '/etc/kubernetes/pki/apiserver.crt': '2026-11-22T11:30:00Z' },
    };
    const edit = (text: string) => text.replace('    - kube-apiserver\n', '$&    - --cloud-provider=external\n');
    expect((await triageOf({ ...machine, edit })).codes).toEqual(['FLAG_UNKNOWN', 'COMPONENT_DOWN']);
    expect((await triageOf(machine)).codes).toEqual(['COMPONENT_DOWN']);
  });

  it('is not explained by a port that is free again', async () => {
    const table = (port: string, state: string) =>
      `  sl  local_address rem_address   st\n   0: 00000000:${port} 00000000:0000 ${state} 0 0 0 0 0 1\n`;
    const files = { [`${LOGS}/3.log`]: line(PORT_IN_USE) };
    const codesWith = async (tcp: string) => (await triageOf({ files: { ...files, '/proc/net/tcp': tcp } })).codes;
    expect(await codesWith(table('192B', '0A'))).toEqual(['PORT_IN_USE', 'COMPONENT_DOWN']);
    expect(await codesWith(table('192B', '01'))).toEqual(['COMPONENT_DOWN']);
    expect(await codesWith(table('192C', '0A'))).toEqual(['COMPONENT_DOWN']);
  });

  it('of a copy of files is not judged: nothing says whether it runs', async () => {
    const node = nodeOf({ files: { [`${LOGS}/3.log`]: line(PORT_IN_USE) } });
    const host: Host = { ...node.machine, kind: 'copy' };
    const { verdict } = await triageNode(
      openNode(node.options, { host, clock: node.clock }),
      new AbortController().signal,
    );
    expect(verdict).toBe('healthy');
  });
});

describe('a full disk', () => {
  it('is named once, with its directories, when something is down', async () => {
    const { codes, causes } = await triageOf({
      freeBytes: 4096,
      files: { [`${LOGS}/3.log`]: line('write /x: no space left on device'), '/var/lib/etcd/member/snap/db': 'x' },
    });
    expect(codes).toEqual(['DISK_FULL', 'COMPONENT_DOWN']);
    expect(causes[0]?.evidence).toContain('/var/lib/etcd: 4096 bytes free');
    expect(causes[0]?.hint).toContain('df -i');
  });

  it('is one for etcd while it cannot allocate a segment of its log', async () => {
    const files = { '/var/lib/etcd/member/snap/db': 'x' };
    const space = async (freeBytes: number) => (await triageOf({ freeBytes, files })).causes[0];
    expect(await space(63_999_999)).toMatchObject({ evidence: ['/var/lib/etcd: 63999999 bytes free'] });
    expect(await space(64_000_000)).toMatchObject({ code: 'COMPONENT_DOWN' });
  });
});
