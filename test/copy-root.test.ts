import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireProgram } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BIN,
  type Ended,
  plantNode,
  type PlantedNode,
  runCli,
  runProgram,
} from '../apps/cli/src/cli-process.fixture.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Exit codes of a command that only reads a copy: done, problems found, or a copy that lacks what it wants to read. */
const READS = [0, 3];
const REFUSED = [4];
const WRONG_USAGE = [2];

/** Every command, with arguments that ask for as much as it can; the last element lists the exit codes that are right. */
const COMMANDS: Readonly<Record<string, readonly (readonly [args: readonly string[], exits: readonly number[]])[]>> = {
  'certs adopt': [
    [
      ['certs', 'adopt', '.', '--dry-run'],
      [3, 4],
    ],
  ],
  'certs check': [
    [['certs', 'check'], READS],
    [['certs', 'check', '--cluster'], REFUSED],
    [['certs', 'check', '--cluster', '--via', 'api'], REFUSED],
    [['certs', 'check', '--cluster', '--endpoint', 'https://10.0.0.11:2379'], REFUSED],
  ],
  'certs csr export': [[['certs', 'csr', 'export', './requests'], READS]],
  'certs csr import': [
    [
      ['certs', 'csr', 'import', './requests', '--dry-run'],
      [3, 4],
    ],
  ],
  'certs inspect': [
    [['certs', 'inspect', 'apiserver'], READS],
    [['certs', 'inspect', '10.0.0.11:6443'], REFUSED],
    [['certs', 'inspect', '127.0.0.1:22'], REFUSED],
  ],
  'certs reissue-cas': [[['certs', 'reissue-cas', 'cluster', '--out', './cas'], READS]],
  'certs renew': [[['certs', 'renew', 'apiserver', '--yes'], READS]],
  'certs rotate-ca': [
    [['certs', 'rotate-ca', 'cluster'], READS],
    [['certs', 'rotate-ca', 'cluster', '--stage', 'trust', '--nodes-ready', '--restart-pods', '--yes'], REFUSED],
    [['certs', 'rotate-ca', 'front-proxy', '--all-stages', '--yes'], REFUSED],
    [
      ['certs', 'rotate-ca', 'cluster', '--same-key', '--restart-pods', '--dry-run'],
      [0, 3, 4],
    ],
  ],
  'certs rotate-sa': [
    [['certs', 'rotate-sa'], READS],
    [['certs', 'rotate-sa', '--stage', 'publish', '--yes'], REFUSED],
    [['certs', 'rotate-sa', '--all-stages', '--revoke-tokens', '--yes'], REFUSED],
  ],
  'cni bootstrap': [
    [
      ['cni', 'bootstrap', '--yes'],
      [3, 4],
    ],
  ],
  'cni check': [
    [
      ['cni', 'check'],
      [3, 4],
    ],
    [['cni', 'check', '--via', 'api'], REFUSED],
  ],
  'dns check': [
    [['dns', 'check'], REFUSED],
    [['dns', 'check', '--domain', 'shop.example.com', '--resolver', '127.0.0.1'], REFUSED],
    [['dns', 'check', '--domain', 'shop.example.com', '--aws-credentials', 'keys', '--write-test'], REFUSED],
    [
      ['dns', 'check', '--domain', 'shop.example.com', '--profile', 'p', '--role-arn', 'arn:aws:iam::1:role/x'],
      REFUSED,
    ],
  ],
  'dns set-credentials': [
    [['dns', 'set-credentials', '--aws-credentials', 'keys', '--yes'], REFUSED],
    [['dns', 'set-credentials', '--profile', 'p', '--via', 'api', '--yes'], REFUSED],
  ],
  api: [
    [['api'], REFUSED],
    [['api', '--from-snapshot', './etcd.db'], REFUSED],
    [['api', '--writable'], REFUSED],
  ],
  drill: [[['drill'], WRONG_USAGE]],
  completion: [[['completion', 'bash'], WRONG_USAGE]],
  runbook: [[['runbook'], WRONG_USAGE]],
  'etcd get': [
    [['etcd', 'get', 'secrets', '-A'], REFUSED],
    [['etcd', 'get', 'secrets', '-A', '--via', 'api'], REFUSED],
    [['etcd', 'get', 'secrets', '-A', '--endpoint', 'https://10.0.0.11:2379'], REFUSED],
  ],
  'etcd members': [[['etcd', 'members'], REFUSED]],
  'etcd members promote': [[['etcd', 'members', 'promote', 'cp3', '--yes'], REFUSED]],
  'etcd members remove': [[['etcd', 'members', 'remove', 'cp3', '--yes'], REFUSED]],
  'etcd patch': [
    [['etcd', 'patch', 'secret', 'x', '--set', 'type=y', '--yes'], REFUSED],
    [['etcd', 'patch', 'secret', 'x', '--set', 'type=y', '--via', 'api', '--yes'], REFUSED],
    [['etcd', 'patch', 'secret', 'x', '--set', 'type=y', '--via', 'etcd', '--yes'], REFUSED],
  ],
  'etcd probe': [
    [['etcd', 'probe'], REFUSED],
    [['etcd', 'probe', '--accept-expired-server'], REFUSED],
  ],
  'etcd restore': [
    [['etcd', 'restore', '--from', './etcd.db', '--yes'], REFUSED],
    [['etcd', 'restore', '--from-data-dir', './data', '--yes'], REFUSED],
  ],
  'etcd snapshot': [[['etcd', 'snapshot', './etcd.db'], REFUSED]],
  'etcd status': [[['etcd', 'status'], REFUSED]],
  'manifests checkpoint': [
    [
      ['manifests', 'checkpoint', '--yes'],
      [0, 4],
    ],
  ],
  'manifests list': [[['manifests', 'list'], READS]],
  'manifests restart': [[['manifests', 'restart', 'kube-apiserver', '--yes'], REFUSED]],
  'nodes join': [
    [['nodes', 'join', 'node02', '--file', '/etc/kubernetes/admin.conf', '--yes'], REFUSED],
    [['nodes', 'join', 'node02', '--file', '/etc/kubernetes/admin.conf', '--ssh-user', 'core', '--yes'], REFUSED],
    [['nodes', 'join', 'node02', '--file', '/etc/kubernetes/admin.conf', '--bundle', './bundles', '--yes'], REFUSED],
  ],
  'nodes list': [
    [['nodes', 'list'], REFUSED],
    [['nodes', 'list', '--via', 'api'], REFUSED],
    [['nodes', 'list', '--ssh', '--ssh-port', '22'], REFUSED],
  ],
  'nodes taint': [[['nodes', 'taint', 'cp1', '--via', 'api', '--label', 'a=b', '--yes'], REFUSED]],
  plan: [
    [['plan'], READS],
    [['plan', '--join', 'node02'], REFUSED],
    [['plan', '--via', 'api'], REFUSED],
  ],
  'pods list': [
    [['pods', 'list'], REFUSED],
    [['pods', 'list', '--via', 'api'], REFUSED],
  ],
  'pods release': [[['pods', 'release', 'deployment/kube-scheduler', '--yes'], REFUSED]],
  'pods rescue': [[['pods', 'rescue', 'deployment/kube-scheduler', '--node', 'cp1', '--yes'], REFUSED]],
  recover: [
    [['recover', '--yes'], READS],
    [['recover', '--yes', '--join', 'node02', '--ssh-user', 'core', '--ssh-sudo'], REFUSED],
    [['recover', '--yes', '--aws-credentials', 'keys'], REFUSED],
    [['recover', '--yes', '--via', 'api'], REFUSED],
    [['recover', '--yes', '--service-command', '/bin/true'], REFUSED],
  ],
  report: [[['report', 'SSH-RUN'], READS]],
  rollback: [
    [['rollback', 'SSH-RUN', '--yes'], REFUSED],
    [['rollback', 'SSH-RUN', '--yes', '--force'], REFUSED],
    [['rollback', 'SSH-RUN', '--dry-run'], REFUSED],
  ],
  runs: [[['runs'], READS]],
  triage: [
    [['triage'], READS],
    [['triage', '--service-command', '/bin/true'], REFUSED],
  ],
};

/** Programs that a live node would be asked by; here each only records that it was started. */
const STUBS = [
  'ssh',
  'systemctl',
  'ip',
  'kill',
  'nsenter',
  'ctr',
  'crictl',
  'service',
  'rc-service',
  'kubectl',
  'etcdctl',
];
/** What the program itself needs to hold its lock, to keep keys out of core dumps, and to keep the access list of a file. */
const OWN_PROGRAMS = ['node', 'flock', 'prlimit', 'sh', 'cp', 'ls', 'chmod'];
/** The last two: a set of certificates that is empty, and a plan with steps that need a running node. */
const COPY_CODES = ['HOST_COPY', 'NODE_NOT_LIVE', 'HOST_UNSUPPORTED', 'PKI_SET_UNFIT', 'WORKFLOW_BLOCKED'];
const RUN = '20261127T101010Z-abcd';

let node: PlantedNode;
let outside: string;
let started: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver'] });
  outside = await mkdtemp(path.join(tmpdir(), 'kube-rescue-outside-'));
  started = path.join(outside, 'started');
  await writeFile(path.join(outside, 'keys'), '{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"x"}');
  await mkdir(path.join(outside, 'requests'));
  await mkdir(path.join(outside, 'bin'));
  for (const name of STUBS) {
    const stub = path.join(outside, 'bin', name);
    await writeFile(stub, `#!/bin/sh\necho "${name} $*" >> ${started}\n`);
    await chmod(stub, 0o755);
  }
});

afterAll(async () => {
  await Promise.all([node.remove(), rm(outside, { recursive: true })]);
});

/** Environment in which every live thing is at hand: programs, credentials, etcd. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${path.join(outside, 'bin')}:${process.env['PATH'] ?? ''}`,
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  ETCDCTL_ENDPOINTS: 'https://127.0.0.1:2379',
  KUBECONFIG: path.join(node.root, 'etc/kubernetes/admin.conf'),
});

/** Runs a command with a trace of every program that it starts and every address that it connects or sends to. */
async function trace(args: readonly string[]): Promise<{ readonly ended: Ended; readonly left: readonly string[] }> {
  const file = path.join(outside, `trace-${createHash('sha256').update(args.join(' ')).digest('hex').slice(0, 12)}`);
  const options = { cwd: outside, env: environment() };
  const calls = 'trace=execve,connect,sendto,sendmsg,sendmmsg,bind';
  const ended = await runProgram(
    'strace',
    ['-f', '-qq', '--seccomp-bpf', '-e', calls, '-e', 'signal=none', '-o', file, process.execPath, BIN, ...args],
    options,
  );
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => /\b(execve|connect|send|bind)/.test(line));
  // Without SHELL, oclif reads the account of the user, and the C library asks its own cache first (nscd(8)).
  const asked = lines.filter((line) => !line.includes('sun_path="/var/run/nscd/socket"'));
  const isOwn = (line: string): boolean => {
    const [, program] = /execve\("([^"]+)"/.exec(line) ?? [];
    return program !== undefined && OWN_PROGRAMS.includes(path.basename(program));
  };
  expect(lines.some(isOwn), 'the trace has lines').toBe(true);
  return { ended, left: asked.filter((line) => !isOwn(line)) };
}

interface ForeignChange {
  readonly kind: string;
  readonly target: string;
  readonly [field: string]: unknown;
}

/** Writes the journal of a run that replaced a file of the copy and made one more change. */
async function plantRun(root: string, other: ForeignChange, captured: unknown, outcome = 'done'): Promise<string> {
  const file = path.join(root, 'etc/kubernetes/replaced');
  await writeFile(file, 'new\n', { mode: 0o600 });
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const run = path.join(root, 'var/lib/kube-rescue/runs', RUN);
  await rm(path.join(root, 'var/lib/kube-rescue'), { recursive: true, force: true });
  await mkdir(path.join(run, 'backup'), { recursive: true, mode: 0o700 });
  await writeFile(path.join(run, 'backup', digest('old\n')), 'old\n', { mode: 0o600 });
  const own = { mode: 384, uid: 0, gid: 0 };
  const replaced = {
    change: {
      kind: 'file.replace',
      target: '/etc/kubernetes/replaced',
      before: digest('old\n'),
      after: digest('new\n'),
      ...own,
    },
    captured: {
      state: { kind: 'file', digest: digest('old\n'), ...own },
      kept: digest('old\n'),
      after: digest('new\n'),
    },
  };
  const at = '2026-11-27T10:10:10.000Z';
  const intents = [replaced, { change: other, captured }].map((each, seq) => ({
    type: 'intent',
    seq,
    step: 's',
    ...each,
  }));
  const records = [
    { type: 'run', version: 1, id: RUN, playbook: 'kubeadm', host: 'cp1', at, resumeCommand: 'recover --resume' },
    { type: 'step', step: 's', at },
    ...intents,
    { type: 'applied', step: 's', at },
    ...(outcome === 'done' ? [{ type: 'verified', step: 's', at, evidence: [] }] : []),
    { type: 'end', outcome, at },
  ];
  const text = records.map((record) => JSON.stringify(record)).join('\n');
  await writeFile(path.join(run, 'journal.jsonl'), `${text}\n`, { mode: 0o600 });
  return file;
}

const SSH = {
  address: '127.0.0.1',
  port: 22,
  user: 'root',
  identityFile: null,
  knownHostsFile: null,
  sudo: false,
  serviceCommand: null,
};
const SECRET = { kind: { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespaced: true }, name: 'x' };

const FOREIGN: readonly (readonly [string, ForeignChange, unknown])[] = [
  [
    'a file of a worker, over SSH',
    {
      kind: 'node.file.replace',
      target: 'node02:/x',
      path: '/x',
      node: SSH,
      before: 'absent',
      after: 'a',
      ...{ mode: 384, uid: 0, gid: 0 },
    },
    { state: { kind: 'absent' }, after: 'a' },
  ],
  [
    'a service of a worker, over SSH',
    { kind: 'node.service.restart', target: 'node02:kubelet', service: 'kubelet', node: SSH },
    { was: 'running' },
  ],
  [
    'an object, through the API server',
    {
      kind: 'object.create',
      target: 'secret/x',
      object: SECRET,
      way: { via: 'api', search: {} },
      after: 'a'.repeat(64),
    },
    { after: 'a'.repeat(64) },
  ],
  [
    'an object, in etcd',
    {
      kind: 'object.create',
      target: 'secret/x',
      object: SECRET,
      way: { via: 'etcd', search: {} },
      after: 'a'.repeat(64),
    },
    { after: 'a'.repeat(64) },
  ],
  ['a service of this machine', { kind: 'service.restart', target: 'kubelet' }, { was: 'running' }],
];

describe('a run in a copy of a node', () => {
  it.each(FOREIGN)('that changed %s is neither rolled back nor resumed, as a whole', async (_, change, captured) => {
    const flags = ['--yes', '--json', '--root', node.root];
    const file = await plantRun(node.root, change, captured);
    const journal = path.join(node.root, 'var/lib/kube-rescue/runs', RUN, 'journal.jsonl');
    const before = await readFile(journal, 'utf8');
    for (const words of [
      ['rollback', RUN],
      ['rollback', RUN, '--force'],
    ]) {
      const ended = await runCli([...words, ...flags], { env: environment() });
      const { error } = JSON.parse(ended.stdout) as {
        readonly error: { readonly code: string; readonly message: string };
      };
      expect([ended.exitCode, error.code]).toEqual([4, 'HOST_COPY']);
      expect(error.message).toContain(change.target);
    }
    await plantRun(node.root, change, captured, 'interrupted');
    const resumed = await runCli(['recover', '--resume', ...flags], { env: environment() });
    expect([resumed.exitCode, (JSON.parse(resumed.stdout) as { error: { code: string } }).error.code]).toEqual([
      4,
      'HOST_COPY',
    ]);
    expect(await readFile(file, 'utf8')).toBe('new\n');
    expect(
      (await readFile(journal, 'utf8')).startsWith(before.slice(0, before.indexOf('{"type":"end"')).slice(0, 200)),
    ).toBe(true);
    await expect(readFile(started, 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that changed files only is rolled back', async () => {
    const empty = { kind: 'file.remove', target: '/etc/kubernetes/gone', before: 'absent' };
    const file = await plantRun(node.root, empty, { state: { kind: 'absent' }, after: 'absent' });
    const ended = await runCli(['rollback', RUN, '--yes', '--force', '--root', node.root]);
    expect([ended.exitCode, await readFile(file, 'utf8')]).toEqual([0, 'old\n']);
  });
});

const commandsOf = (): readonly string[] =>
  globSync('apps/cli/src/commands/**/*.ts', { cwd: ROOT })
    .map((file) => file.replace('apps/cli/src/commands/', '').replace('.ts', '').replaceAll('/', ' '))
    .toSorted();

describe('with --root', () => {
  it('every command is tried here', () => {
    expect(Object.keys(COMMANDS).toSorted()).toEqual(commandsOf());
  });

  // The trace needs ptrace.
  describe.runIf(requireProgram('strace'))('a command connects to nothing and starts no program', () => {
    beforeAll(async () => {
      await plantRun(node.root, ...(FOREIGN[0]?.slice(1) as [ForeignChange, unknown]));
    });

    const cases = Object.values(COMMANDS)
      .flat()
      .map(([args, exits]) => [args.join(' '), args, exits] as const);
    it.each(cases)('%s', async (_, args, exits) => {
      const words = args.map((word) => (word === 'SSH-RUN' ? RUN : word));
      const { ended, left } = await trace([...words, '--json', '--root', node.root]);
      expect(left).toEqual([]);
      expect(exits, ended.stdout + ended.stderr).toContain(ended.exitCode);
      if (ended.exitCode === 4) {
        const { error } = JSON.parse(ended.stdout) as { readonly error: { readonly code: string } };
        expect(COPY_CODES, ended.stdout).toContain(error.code);
      }
      await expect(readFile(started, 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
});

describe('the directory of --root', () => {
  const codeOf = async (root: string, options = {}): Promise<readonly unknown[]> => {
    const ended = await runCli(['triage', '--json', '--root', root], options);
    const { ok, error } = JSON.parse(ended.stdout) as { ok: boolean; error?: { code: string; message: string } };
    return [ended.exitCode, ok ? 'ok' : error?.code, error?.message ?? ''];
  };

  it.each(['/', '//', '/.', '/etc/..', '/proc/self/root/'])('may not be the root of this machine: %s', async (root) => {
    expect(await codeOf(root)).toEqual([2, 'USAGE', expect.stringContaining("this machine's own root directory")]);
  });

  it('may not be a link to the root of this machine, nor empty', async () => {
    const link = path.join(outside, 'link-to-root');
    await symlink('/', link);
    expect(await codeOf(link)).toEqual([2, 'USAGE', expect.stringContaining("this machine's own")]);
    expect(await codeOf(`${link}/`)).toEqual([2, 'USAGE', expect.stringContaining("this machine's own")]);
    expect(await codeOf('')).toEqual([2, 'USAGE', expect.stringContaining('names no directory')]);
  });

  it.runIf(process.getuid?.() === 0)('may not be a bind mount of the root of this machine', async () => {
    const mount = path.join(outside, 'mount');
    await mkdir(mount);
    const script = 'mount --bind / "$0" && exec "$@"';
    const words = ['--mount', 'sh', '-c', script, mount, process.execPath, BIN, 'triage', '--json', '--root', mount];
    const ended = await runProgram('unshare', words);
    expect([ended.exitCode, ended.stdout]).toEqual([2, expect.stringContaining("this machine's own root directory")]);
  });

  it('may be relative, a link to a copy, and end in slashes', async () => {
    const link = path.join(outside, 'link-to-copy');
    await symlink(node.root, link);
    for (const root of [path.relative(outside, node.root), link, `${node.root}//`]) {
      expect(await codeOf(root, { cwd: outside, env: environment() })).toEqual([expect.any(Number), 'ok', '']);
    }
    expect((await readdir(outside)).includes('started')).toBe(false);
  });
});

describe('a kubeconfig that runs a program for its credentials', () => {
  it('is never obeyed, neither in a copy nor on the node', async () => {
    const other = await plantNode({ expired: ['apiserver'] });
    const file = path.join(other.root, 'etc/kubernetes/admin.conf');
    const config = await readFile(file, 'utf8');
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: path.join(outside, 'bin/kubectl'),
      args: ['token'],
      interactiveMode: 'Never',
    };
    const users = `users:\n- name: kubernetes-admin\n  user:\n    exec: ${JSON.stringify(exec)}\n`;
    await writeFile(file, config.replace(/^users:\n(?:[- ].*\n)*/m, users));
    expect(await readFile(file, 'utf8')).toContain('interactiveMode');
    for (const words of [['triage'], ['certs', 'check'], ['nodes', 'list'], ['recover', '--yes'], ['plan']]) {
      await runCli([...words, '--root', other.root], { env: environment() });
    }
    if (process.getuid?.() === 0) {
      const script =
        'mount --bind "$0/etc/kubernetes" "$0/etc/kubernetes" && mount -t overlay overlay -o "lowerdir=$0/etc:/etc" /etc && exec "$@"';
      for (const words of [['nodes', 'list', '--via', 'api'], ['etcd', 'get', 'secrets', '--via', 'api'], ['triage']]) {
        const enter = ['--mount', '--net', 'sh', '-c', script, other.root, process.execPath, BIN];
        const ended = await runProgram('unshare', [...enter, ...words], { env: environment() });
        expect([3, 4]).toContain(ended.exitCode);
      }
    }
    await expect(readFile(started, 'utf8')).rejects.toMatchObject({ code: 'ENOENT' });
    await other.remove();
  });
});
