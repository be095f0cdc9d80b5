import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildEtcdPki, type EtcdPki } from '../pki/etcd-certificates.ts';

export interface EtcdOptions {
  /** Members of the cluster, all on 127.0.0.1. Default: 1. */
  readonly members?: number | undefined;
  /** Default: a new PKI; `false`: plain HTTP. */
  readonly pki?: EtcdPki | false | undefined;
  /** Contents in place of those of the PKI, byte for byte. */
  readonly files?: Partial<Readonly<Record<EtcdFile, Uint8Array>>> | undefined;
  /** Further arguments for every member, for example `--quota-backend-bytes=16777216`. */
  readonly arguments?: readonly string[] | undefined;
  /** Waits until every member serves clients. Default: true; members without a majority never do. */
  readonly ready?: boolean | undefined;
  /** Data directory of the first member, for example a restored snapshot; it is not removed. */
  readonly dataDir?: string | undefined;
}

/** A PEM file of {@link RunningEtcd.directory}. */
export type EtcdFile = 'ca.crt' | 'server.crt' | 'server.key' | 'client.crt' | 'client.key';

export interface EtcdMember {
  readonly name: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** `https://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Where the other members reach it. */
  readonly peerUrl: string;
  readonly dataDir: string;
  /** Restarts it after `stop`; resolves when it serves clients, or at once when `ready` is false. */
  start(options?: { readonly ready?: boolean }): Promise<void>;
  /** Kills it. */
  stop(): Promise<void>;
  /** Stops it (SIGSTOP): its sockets stay open and do not answer. */
  pause(): void;
  resume(): void;
}

/** A real etcd cluster for one test. */
export interface RunningEtcd {
  readonly members: readonly [EtcdMember, ...EtcdMember[]];
  /** Endpoints of all members. */
  readonly endpoints: readonly string[];
  /** PEM; `undefined` without TLS. */
  readonly pki: EtcdPki | undefined;
  /** The directory of the PEM files: `ca.crt`, `server.crt`, `server.key`, `client.crt`, `client.key`. */
  readonly directory: string;
  /** The flags that an `etcdctl` needs to reach every member. */
  readonly etcdctlFlags: readonly string[];
  /** Adds a learner with etcdctl and starts it. It never waits to serve: a learner serves few requests, and none before it has joined. */
  addLearner(name: string): Promise<EtcdMember>;
  /** Runs etcdctl against every member; returns its output. */
  etcdctl(...words: readonly string[]): Promise<string>;
  /** Kills every member and removes their files. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 2_000;
const START_TIMEOUT_MS = 20_000;
/** Logged once the member has a leader and accepts clients. */
const SERVING = /ready to serve client requests|serving client traffic|serving insecure client requests/;
const ETCDCTL_ENV = { ETCDCTL_API: '3', PATH: process.env['PATH'] ?? '' };
const run = promisify(execFile);

/**
 * Starts a cluster of the machine's own `etcd` on free ports of 127.0.0.1.
 *
 * The members are killed with this process, however this process ends.
 */
export async function startEtcd(options: EtcdOptions = {}): Promise<RunningEtcd> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-etcd-'));
  const pki = options.pki === false ? undefined : (options.pki ?? (await buildEtcdPki()));
  if (pki !== undefined) await writePki(directory, pki, options.files);
  const scheme = pki === undefined ? 'http' : 'https';
  const ports = await freePorts(2 * (options.members ?? 1));
  const plans = Array.from({ length: options.members ?? 1 }, (_, index) => ({
    name: `etcd${index + 1}`,
    client: `${scheme}://127.0.0.1:${ports[2 * index]}`,
    peer: `${scheme}://127.0.0.1:${ports[2 * index + 1]}`,
  }));
  const clusterOf = (members: readonly PlannedMember[]): string =>
    members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const plan = ({ name, client, peer }: PlannedMember, dataDir: string, initial: readonly string[]): EtcdMember => {
    const words = [
      ...[`--name=${name}`, `--data-dir=${dataDir}`, '--logger=zap', '--log-outputs=stderr'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, ...initial],
      ...[
        '--heartbeat-interval=50',
        '--election-timeout=500',
        ...tlsFlags(directory, pki),
        ...(options.arguments ?? []),
      ],
    ];
    return createMember({
      name,
      endpoint: client,
      peerUrl: peer,
      dataDir,
      words,
      log: path.join(directory, `${name}.log`),
    });
  };
  const members = plans.map((planned, index) => {
    const isGiven = index === 0 && options.dataDir !== undefined;
    const dataDir = isGiven ? options.dataDir : path.join(directory, planned.name);
    return plan(planned, dataDir, [`--initial-cluster=${clusterOf(plans)}`]);
  });
  const added: EtcdMember[] = [];
  const endpoints = members.map(({ endpoint }) => endpoint);
  const etcdctlFlags = [`--endpoints=${endpoints.join(',')}`, ...(pki === undefined ? [] : clientFlags(directory))];
  const stop = async (): Promise<void> => {
    await Promise.all([...members, ...added].map((member) => member.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start({ ready: options.ready ?? true })));
  } catch (error) {
    await stop();
    throw error;
  }
  const etcdctl = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await run('etcdctl', [...etcdctlFlags, ...words], {
      env: ETCDCTL_ENV,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  };
  return {
    members: members as [EtcdMember, ...EtcdMember[]],
    endpoints,
    pki,
    directory,
    etcdctlFlags,
    addLearner: async (name) => {
      const [client, peer] = await freePorts(2);
      const planned = {
        name,
        client: `${scheme}://127.0.0.1:${client ?? 0}`,
        peer: `${scheme}://127.0.0.1:${peer ?? 0}`,
      };
      await etcdctl('member', 'add', name, '--learner', `--peer-urls=${planned.peer}`);
      const initial = [`--initial-cluster=${clusterOf([...plans, planned])}`, '--initial-cluster-state=existing'];
      const member = plan(planned, path.join(directory, name), initial);
      added.push(member);
      await member.start({ ready: false });
      return member;
    },
    etcdctl,
    stop,
  };
}

interface PlannedMember {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
}

interface MemberPlan {
  readonly name: string;
  readonly endpoint: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  readonly words: readonly string[];
  readonly log: string;
}

function createMember({ name, endpoint, peerUrl, dataDir, words, log }: MemberPlan): EtcdMember {
  let child: ChildProcess | undefined;
  return {
    name,
    host: '127.0.0.1',
    port: Number(new URL(endpoint).port),
    endpoint,
    peerUrl,
    dataDir,
    start: async ({ ready = true } = {}) => {
      await mkdir(dataDir, { recursive: true, mode: 0o700 });
      await writeFile(log, '');
      const output = openSync(log, 'a');
      // The kernel kills it when this process ends.
      child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...words], { stdio: ['ignore', output, output] });
      closeSync(output);
      if (ready) await serving(name, log, child);
    },
    stop: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    pause: () => {
      if (child !== undefined) stopNow(child);
    },
    resume: () => child?.kill('SIGCONT'),
  };
}

/** On a busy machine a thread may run, and answer, for a while after the signal. */
function stopNow(child: ChildProcess): void {
  child.kill('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  const isStopped = (task: string): boolean =>
    / [TZX] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8').split(')').at(-1) ?? '');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (Date.now() < deadline && !readdirSync(tasks).every(isStopped));
}

async function serving(name: string, log: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    if (SERVING.test(await readFile(log, 'utf8'))) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${name} does not serve:\n${(await readFile(log, 'utf8')).slice(-2000)}`);
}

async function writePki(
  directory: string,
  { ca, server, client }: EtcdPki,
  replacements: EtcdOptions['files'],
): Promise<void> {
  const files: Readonly<Record<EtcdFile, string | Uint8Array>> = {
    'ca.crt': ca.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'client.crt': client.certificate,
    'client.key': client.key,
    ...replacements,
  };
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(path.join(directory, file), text)));
}

function tlsFlags(directory: string, pki: EtcdPki | undefined): readonly string[] {
  if (pki === undefined) return [];
  const [ca, certificate, key] = ['ca.crt', 'server.crt', 'server.key'].map((file) => path.join(directory, file));
  return [
    ...['--client-cert-auth', `--trusted-ca-file=${ca}`, `--cert-file=${certificate}`, `--key-file=${key}`],
    ...['--peer-client-cert-auth', `--peer-trusted-ca-file=${ca}`],
    ...[`--peer-cert-file=${certificate}`, `--peer-key-file=${key}`],
  ];
}

function clientFlags(directory: string): readonly string[] {
  const [ca, certificate, key] = ['ca.crt', 'client.crt', 'client.key'].map((file) => path.join(directory, file));
  return [`--cacert=${ca}`, `--cert=${certificate}`, `--key=${key}`];
}

/**
 * Runs `snapshot` of the etcd on this machine: `etcdutl` where there is one, which alone has `status` and `restore` since etcd 3.6,
 * else `etcdctl`. Returns its output.
 */
export async function runSnapshotCommand(...words: readonly string[]): Promise<string> {
  const call = async (program: string): Promise<string> => {
    const { stdout } = await run(program, ['snapshot', ...words], { env: ETCDCTL_ENV });
    return stdout;
  };
  return call('etcdutl').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return call('etcdctl');
    throw error;
  });
}

/** Free ports; all are bound at once, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
  return ports;
}
