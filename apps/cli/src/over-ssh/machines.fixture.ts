import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isolated, type RunningSshServer, startSshServer } from '@kube-rescue/testing';
import { COMMAND, type Ended } from '../cli-process.fixture.ts';

/** What the program of a test does on a machine; it reads this at each start. */
interface Behaviour {
  /** Names of the members; the first is the machine's own. */
  readonly members: readonly string[];
  readonly hasQuorum?: boolean;
  readonly isLeader?: boolean;
  readonly needed?: number;
  /** The newest run. */
  readonly run?: { readonly outcome: string };
  /** Of `recover`, one after the other; the last one again and again. Default: done. */
  readonly recover?: readonly ('done' | 'waiting' | 'failed')[];
  /** The cluster CA that `certs reissue-cas` writes, PEM. Default: it has not the key. */
  readonly reissued?: string;
}

/** A machine behind a real sshd, with files of its own. */
export interface Machine {
  readonly name: string;
  readonly server: RunningSshServer;
  /** Its `/var/lib`. */
  readonly state: string;
  /** The entry of a file of nodes. */
  readonly entry: string;
  behave(behaviour: Behaviour): Promise<void>;
  /** `recover` waits until it is released. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** The command lines of the program, in order, without those that only read. */
  calls(): Promise<readonly string[]>;
  /** Names in `/var/lib/kube-rescue`; empty without it. */
  left(): Promise<readonly string[]>;
  /** The certificate of its cluster CA. */
  readonly ca: string;
}

/** Several machines, and one more that recovers them. */
export interface Machines {
  readonly machines: readonly Machine[];
  /** The file for `--program`. */
  readonly program: string;
  readonly kubernetes: string;
  /** Starts `kube-rescue` on the machine that recovers, whose records are its own. */
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended>; stderr(): string };
  run(...args: readonly string[]): Promise<Ended>;
  /** `recover` of all machines, or of these. */
  recover(flags: readonly string[], of?: readonly Machine[]): readonly string[];
  remove(): Promise<void>;
}

/**
 * Plays the program of a node: the transport and the order are under test, and the recovery of a node has tests of its own on real
 * clusters.
 */
const PROGRAM = `
const fs = require('node:fs');
const args = process.argv.slice(2);
const say = (result, exit = 0) => { console.log(JSON.stringify({ ok: true, result, warnings: [] })); process.exitCode = exit; };
const fail = (code, exit) => {
  console.log(JSON.stringify({ ok: false, error: { code, message: 'as the test wants', hint: null, subject: null }, warnings: [] }));
  process.exitCode = exit;
};
const valueOf = (flag) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
const record = (more = '') => fs.appendFileSync('/var/lib/calls', args.join(' ') + more + '\\n');
const { members, hasQuorum = false, isLeader = false, needed = 3, run, recover = ['done'], reissued } = JSON.parse(
  fs.readFileSync('/var/lib/behaviour.json', 'utf8'),
);
if (args[0] === '--version') console.log('kube-rescue/test');
else if (args[0] === 'certs') {
  if (reissued === undefined) fail('PKI_REQUEST_IMPOSSIBLE', 4);
  else {
    const out = valueOf('--out');
    fs.mkdirSync(out, { recursive: true });
    fs.writeFileSync(out + '/ca.crt', reissued);
    say({ directory: out, cas: [{ id: 'cluster', path: out + '/ca.crt', notAfter: '2036-11-30T12:00:00Z' }] });
  }
} else if (args[0] === 'etcd') {
  const rows = members.map((name, index) => ({ name, id: name, isThisNode: index === 0, isLeader: isLeader && index === 0, isLearner: false }));
  say({ hasQuorum, members: rows }, 3);
} else if (args[0] === 'runs') {
  const ended = fs.existsSync('/var/lib/calls') ? fs.readFileSync('/var/lib/calls', 'utf8').split('\\n').filter((line) => line.endsWith('ended')).length : 0;
  const rows = run === undefined ? [] : [{ id: 'r1', number: 1, command: 'recover', changes: 3, ...run }];
  say({ runs: ended === 0 ? rows : [...rows, { id: 'r2', number: 2, command: 'recover', changes: 3, outcome: 'done' }] });
} else if (args.includes('--dry-run')) {
  const finding = { status: 'needed', summary: 'certificate expired', evidence: [] };
  const entries = Array.from({ length: needed }, (_, at) => ({ phase: 'pki', step: 'pki/renew/' + at, title: 'renew', finding, changes: [], skipped: false }));
  say({ needed, changes: needed, waiting: 0, blocked: 0, plan: { playbook: 'kubeadm', host: 'node', entries } }, needed > 0 ? 3 : 0);
} else if (args[0] === 'rollback') {
  record();
  say({ run: args[1], undone: 3, notReverted: [], replaced: [] });
} else {
  record();
  console.error('renew  apiserver');
  let isInterrupted = false;
  process.on('SIGINT', () => { isInterrupted = true; console.error('stopping at the next safe point'); });
  const earlier = fs.readFileSync('/var/lib/calls', 'utf8').split('\\n').filter((line) => line.endsWith('ended')).length;
  const outcome = recover[Math.min(earlier, recover.length - 1)];
  const end = () => {
    if (isInterrupted) return fail('INTERRUPTED', 130);
    if (fs.existsSync('/var/lib/hold')) return setTimeout(end, 50);
    record(' ended');
    if (outcome === 'waiting') return fail('WAITING_FOR_OTHERS', 7);
    // As the node installs them.
    const cas = valueOf('--cas');
    if (cas !== undefined && outcome === 'done') fs.copyFileSync(cas + '/ca.crt', valueOf('--kubernetes-dir') + '/pki/ca.crt');
    if (outcome === 'failed') return fail('APPLY_ROLLED_BACK', 5);
    say({ outcome: 'done', runId: 'r2', steps: [] });
  };
  end();
}
`;

/** Starts machines as root, on the loopback address. */
export async function startMachines(
  names: readonly string[],
  { dates = {} }: { /** A program \`date\` for a machine. */ readonly dates?: Readonly<Record<string, string>> } = {},
): Promise<Machines> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-machines-'));
  await chmod(directory, 0o755);
  const at = (...parts: readonly string[]): string => path.join(directory, ...parts);
  const kubernetes = at('kubernetes');
  await mkdir(kubernetes);
  const program = at('program');
  await writeFile(program, `#!${process.execPath}\n${PROGRAM}`, { mode: 0o755 });
  const machines = await Promise.all(
    names.map(async (name): Promise<Machine> => {
      for (const part of ['state', 'kubernetes/pki/etcd', 'kubernetes/manifests', 'programs']) {
        await mkdir(at(name, part), { recursive: true });
      }
      await writeFile(at(name, 'kubernetes/pki/ca.crt'), 'the cluster CA\n');
      const date = dates[name];
      if (date !== undefined) await writeFile(at(name, 'programs/date'), `#!/bin/sh\n${date}\n`, { mode: 0o755 });
      const server = await startSshServer({
        hostname: name,
        mounts: { [kubernetes]: at(name, 'kubernetes'), '/var/lib': at(name, 'state') },
        programs: at(name, 'programs'),
      });
      const state = at(name, 'state');
      const ca = at(name, 'kubernetes/pki/ca.crt');
      const { address, port, identityFile, knownHostsFile } = server;
      return {
        name,
        server,
        state,
        ca,
        entry: `- { name: ${name}, address: ${address}, port: ${port}, user: root, identityFile: ${identityFile}, knownHostsFile: ${knownHostsFile} }`,
        behave: (behaviour) => writeFile(path.join(state, 'behaviour.json'), JSON.stringify(behaviour)),
        hold: () => writeFile(path.join(state, 'hold'), ''),
        release: () => rm(path.join(state, 'hold'), { force: true }),
        calls: async () => {
          const text = await readFile(path.join(state, 'calls'), 'utf8').catch(() => '');
          return text.split('\n').filter((line) => line !== '');
        },
        left: () => readdir(path.join(state, 'kube-rescue')).catch(() => []),
      };
    }),
  );
  const own = at('own');
  await mkdir(own);
  const start: Machines['start'] = (...args) => {
    const [file, ...words] = isolated([...COMMAND, ...args], { mounts: { '/var/lib': own } });
    const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] += chunk;
      });
    }
    const ended = once(child, 'close').then(
      ([exitCode]): Ended => ({ exitCode: exitCode as number | null, ...output }),
    );
    return { child, ended, stderr: () => output.stderr };
  };
  const list = at('nodes.yaml');
  await writeFile(list, listOf(machines));
  for (const first of machines) {
    for (const second of machines) await writeFile(at(`${first.name}-${second.name}.yaml`), listOf([first, second]));
  }
  return {
    machines,
    program,
    kubernetes,
    start,
    run: (...args) => start(...args).ended,
    recover: (flags, of = machines) => {
      const file = of === machines ? list : at(`${of.map(({ name }) => name).join('-')}.yaml`);
      return ['recover', '--nodes-file', file, '--program', program, '--kubernetes-dir', kubernetes, ...flags];
    },
    remove: async () => {
      await Promise.all(machines.map(({ server }) => server.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The text of a file of nodes. */
function listOf(machines: readonly Machine[]): string {
  return `${machines.map(({ entry }) => entry).join('\n')}\n`;
}
