import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree, requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EtcdNode, startEtcdNode } from './etcd/etcd-node.fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const SET = '/var/lib/kubelet/handed-in';

/**
 * The commands that issue certificates, or install some after having judged their dates, each as it is called. Every command
 * stands in one of the two lists.
 */
const GUARDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  plan: [['plan']],
  recover: [
    ['recover', '--yes'],
    ['recover', '--dry-run'],
    ['recover', '--certs', SET, '--yes'],
  ],
  'certs:adopt': [
    ['certs', 'adopt', SET, '--yes'],
    ['certs', 'adopt', SET, '--dry-run'],
  ],
  'certs:csr:import': [['certs', 'csr', 'import', SET, '--yes']],
  'certs:reissue-cas': [['certs', 'reissue-cas', 'etcd', '--out', '/var/lib/kubelet/cas']],
  'certs:renew': [['certs', 'renew', '--all', '--yes']],
  'certs:rotate-ca': [
    ['certs', 'rotate-ca', 'cluster', '--same-key', '--yes'],
    ['certs', 'rotate-ca', 'etcd', '--stage', 'trust', '--yes'],
    ['certs', 'rotate-ca', 'front-proxy', '--all-stages', '--yes'],
  ],
  'certs:rotate-sa': [
    ['certs', 'rotate-sa', '--stage', 'publish', '--yes'],
    ['certs', 'rotate-sa', '--all-stages', '--revoke-tokens', '--yes'],
  ],
  'nodes:join': [
    ['nodes', 'join', 'node02', '--file', '/etc/kubernetes/kubelet.conf', '--yes'],
    ['nodes', 'join', 'node02', '--file', '/etc/kubernetes/kubelet.conf', '--bundle', `${SET}/bundles`],
  ],
};
/** A signing request has no dates; a rollback restores what was there; the others touch no certificate of a file. */
const UNGUARDED = [
  ...[
    'api',
    'completion',
    'certs:check',
    'certs:csr:export',
    'certs:inspect',
    'cni:bootstrap',
    'cni:check',
    'dns:check',
  ],
  ...[
    'dns:set-credentials',
    'drill',
    'etcd:get',
    'etcd:members',
    'etcd:members:promote',
    'etcd:members:remove',
    'etcd:patch',
    'etcd:probe',
    'etcd:restore',
    'etcd:snapshot',
    'etcd:status',
  ],
  ...['manifests:checkpoint', 'manifests:list', 'manifests:restart', 'nodes:list', 'nodes:taint', 'pods:list'],
  ...['pods:release', 'pods:rescue', 'report', 'rollback', 'runbook', 'runs', 'triage'],
];

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, object>> }>>;
}

async function readManifest(): Promise<Manifest['commands']> {
  const text = await readFile(new URL('../oclif.manifest.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as Manifest).commands;
}

describe('the list of commands', () => {
  it('says of each whether it asks the clock first, and those that do take the word of the operator', async () => {
    const commands = await readManifest();
    expect(Object.keys(commands).toSorted()).toEqual([...Object.keys(GUARDED), ...UNGUARDED].toSorted());
    const overridable = Object.keys(commands).filter((id) => commands[id]?.flags['clock-is-right'] !== undefined);
    expect(overridable.toSorted()).toEqual(Object.keys(GUARDED).toSorted());
  });
});

const COMMANDS = Object.values(GUARDED).flat();

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0 && requireProgram('etcd'))('a machine whose clock is contradicted', () => {
  let node: EtcdNode;
  beforeAll(async () => {
    node = await startEtcdNode({ expired: ['apiserver', 'scheduler.conf'] });
    const { tree } = await buildPki({ algorithm: 'ecdsa', address: '127.0.0.1' });
    await plantTree(createLocalHost({ root: hostPath(`${node.root}${SET}`) }), tree);
  });
  afterAll(() => node.remove());
  beforeEach(async () => {
    await Promise.all(
      ['var/log', 'sys'].map((name) => rm(path.join(node.root, name), { recursive: true, force: true })),
    );
    await mkdir(path.join(node.root, 'var/log'));
    date(node.root, -3);
  });

  /** Dates every file of the node so many days from now. */
  function date(from: string, days: number): void {
    const at = new Date(Date.now() + days * DAY_MS).toISOString();
    execFileSync('find', [from, '-exec', 'touch', '--no-dereference', `--date=${at}`, '{}', '+']);
  }

  async function write(file: string, text: string): Promise<void> {
    await mkdir(path.dirname(path.join(node.root, file)), { recursive: true });
    await writeFile(path.join(node.root, file), text);
  }

  /** Names, dates and content of every file, the locks of runs and their journals among them. */
  function stateOf(): string {
    const list = 'find . -printf "%p %m %T@\\n" | sort; find . -type f -exec sha256sum {} + | sort';
    return execFileSync('sh', ['-c', list], { cwd: node.root, encoding: 'utf8' });
  }

  async function expectRefused(words: readonly string[], says: RegExp): Promise<void> {
    const before = stateOf();
    const { exitCode, stdout } = await node.run(...words, '--json');
    const { error } = JSON.parse(stdout) as { error?: { code: string; message: string; hint: string } };
    expect({ exitCode, code: error?.code }).toEqual({ exitCode: 4, code: 'CLOCK_CONTRADICTED' });
    expect(error?.message).toMatch(says);
    expect(error?.hint).toContain('--clock-is-right');
    expect(stateOf()).toBe(before);
  }

  it.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    'behind the newest files: %s is refused and writes nothing',
    async (_title, words) => {
      await write('var/log/syslog', '');
      await write('var/log/auth.log', '');
      date(path.join(node.root, 'var/log'), 400);
      await expectRefused(words, /the clock is behind.*\/var\/log: \d{4}-.* UTC, by \/var\/log\//s);
    },
  );

  it.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    'ahead of the real-time clock and every file: %s is refused and writes nothing',
    async (_title, words) => {
      const present = Math.round((Date.now() - 2 * DAY_MS) / 1000);
      await write('sys/class/rtc/rtc0/since_epoch', `${present}\n`);
      await expectRefused(words, /the clock is ahead.*real-time clock: \d{4}-.* UTC/s);
    },
  );

  it('is believed once the operator says so, and the command goes on', async () => {
    await write('sys/class/rtc/rtc0/since_epoch', `${Math.round((Date.now() - 2 * DAY_MS) / 1000)}\n`);
    const { exitCode, stdout } = await node.run('certs', 'adopt', SET, '--dry-run', '--clock-is-right', '--json');
    expect({ exitCode, document: JSON.parse(stdout) as object }).toMatchObject({ exitCode: 3, document: { ok: true } });
  });
});
