import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';
import { type EtcdFile, type EtcdPki, type RunningEtcd, startEtcd } from '@kube-rescue/testing';

const run = promisify(execFile);
/** A single member waits this long before it elects itself. */
const QUICK = ['--heartbeat-interval=10', '--election-timeout=50'];
/** OpenSSL, which connects here, judges nothing. */
const ANY_CIPHER = 'ALL:@SECLEVEL=0';
const MAX_STARTS = 5;

/** The minor version of the Go that built etcd: 19 for Go 1.19. */
export async function readGoMinor(): Promise<number> {
  const { stdout } = await run('etcd', ['--version']);
  return Number(/^Go Version: go1\.(\d+)/m.exec(stdout)?.[1]);
}

/** Files for an etcd, and what is asked of it. */
export interface EtcdTrial {
  readonly files: Partial<Readonly<Record<EtcdFile, Uint8Array>>>;
  /** Resolves to an error per question; `''` for what etcd accepts. */
  readonly ask: (etcd: RunningEtcd) => Promise<Readonly<Record<string, string>>>;
}

/** Starts etcd on the files, for its clients and its peers alike, and asks it; a refused start is every answer, under `start`. */
export async function tryEtcd({ files, ask }: EtcdTrial, pki: EtcdPki): Promise<Readonly<Record<string, string>>> {
  const started = await start(files, pki);
  if (typeof started === 'string') return { start: started };
  try {
    return { start: '', ...(await ask(started)) };
  } finally {
    await started.stop();
  }
}

async function start(files: EtcdTrial['files'], pki: EtcdPki): Promise<RunningEtcd | string> {
  for (let count = 1; ; count += 1) {
    try {
      return await startEtcd({ pki, files, arguments: QUICK });
    } catch (error) {
      const log = error instanceof Error ? error.message : String(error);
      // Another process has taken the free port in the meantime.
      if (/address already in use/.test(log) && count < MAX_STARTS) continue;
      const reason = /"level":"fatal".*?"error":"((?:[^"\\]|\\.)*)"/.exec(log)?.[1];
      if (reason === undefined) throw error;
      return reason;
    }
  }
}

/** A client's certificates, the leaf first, and its key, PEM. */
export interface ClientPair {
  readonly cert: string;
  readonly key: string;
}

/** Whether etcd answers a client of this certificate. */
export function requestAs(port: number, pair: ClientPair): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/version', agent: false, ciphers: ANY_CIPHER, ...pair };
    get({ ...options, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve('');
    }).on('error', ({ message }) => resolve(message));
  });
}

/** The port of the first member for its peers. */
export async function peerPortOf({ members: [{ name }], directory }: RunningEtcd): Promise<number> {
  const log = await readFile(path.join(directory, `${name}.log`), 'utf8');
  const url = /"listen-peer-urls":\["https:\/\/127\.0\.0\.1:(\d+)"/.exec(log)?.[1];
  if (url === undefined) throw new Error('etcd does not log where it listens for peers');
  return Number(url);
}

/** Whether etcdctl, by address, accepts the server below these CAs. */
export async function askEtcdctl({ members: [{ endpoint }], directory }: RunningEtcd, cas: string): Promise<string> {
  const file = (name: string): string => path.join(directory, name);
  await writeFile(file('roots.crt'), cas);
  const trust = [`--cacert=${file('roots.crt')}`, `--cert=${file('client.crt')}`, `--key=${file('client.key')}`];
  const limits = ['--dial-timeout=2s', '--command-timeout=2s'];
  const env = { ETCDCTL_API: '3', PATH: process.env['PATH'] ?? '' };
  try {
    await run('etcdctl', [`--endpoints=${endpoint}`, ...trust, ...limits, 'get', 'a'], { env });
    return '';
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    if (stderr === undefined) throw error;
    return /authentication handshake failed: ([^"\\]*)/.exec(stderr)?.[1] ?? stderr.trim();
  }
}
