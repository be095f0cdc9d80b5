import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts, type RunningEtcd } from '../servers/etcd-server.ts';
import { embeddedCredentials, kubeconfigText } from '../pki/kubeconfig.ts';
import { buildPki, type KeyPair } from '../pki/pki.ts';

export interface ApiServerOptions {
  /** With TLS. */
  readonly etcd: RunningEtcd;
  /** Directory that holds `kube-apiserver`. */
  readonly binaries: string;
  /** Text of an EncryptionConfiguration. Default: nothing is encrypted. */
  readonly encryptionConfiguration?: string | undefined;
  /** Further arguments, for example `--etcd-prefix=/other`. */
  readonly arguments?: readonly string[] | undefined;
}

/** A real API server for one test: without kubelets, controllers or admission of service account tokens. */
export interface RunningApiServer {
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** The CA of the server, PEM. */
  readonly ca: string;
  /** A cluster administrator. */
  readonly client: KeyPair;
  /** Paths of the administrator's kubeconfig, the service account key and the CA, for kube-controller-manager. */
  readonly files: { readonly kubeconfig: string; readonly serviceAccountKey: string; readonly ca: string };
  /** The whole log. */
  log(): Promise<string>;
  /** Restarts it after `stop`; resolves when it is ready. */
  start(): Promise<void>;
  /** Kills the process and keeps its files. */
  stop(): Promise<void>;
  /** Kills the process and removes its files. */
  dispose(): Promise<void>;
}

const START_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 5000;

/**
 * Starts a real kube-apiserver on a free port of 127.0.0.1, and waits until it is ready.
 *
 * It is killed with this process, however this process ends.
 */
export async function startApiServer(options: ApiServerOptions): Promise<RunningApiServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-apiserver-'));
  const [port] = await freePorts(1);
  const server = `https://127.0.0.1:${port}`;
  const pki = await buildPki({ address: '127.0.0.1', algorithm: 'ecdsa' });
  const [ca, serving, client] = [pki.pairs.ca, pki.pairs.apiserver, pki.pairs['admin.conf']];
  const at = (file: string): string => path.join(directory, file);
  const files: Readonly<Record<string, string>> = {
    'ca.crt': ca.certificate,
    'apiserver.crt': serving.certificate,
    'apiserver.key': serving.key,
    // Any key will do.
    'sa.key': pki.pairs['front-proxy-ca'].key,
    'admin.conf': kubeconfigText({
      server,
      user: 'kubernetes-admin',
      ca: ca.certificate,
      credentials: embeddedCredentials(client.certificate, client.key),
    }),
    'encryption.yaml': options.encryptionConfiguration ?? '',
  };
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(at(file), text, { mode: 0o600 })));
  const { etcd } = options;
  const words = [
    ...[`--etcd-servers=${etcd.endpoints.join(',')}`, `--etcd-cafile=${path.join(etcd.directory, 'ca.crt')}`],
    ...[
      `--etcd-certfile=${path.join(etcd.directory, 'client.crt')}`,
      `--etcd-keyfile=${path.join(etcd.directory, 'client.key')}`,
    ],
    ...['--bind-address=127.0.0.1', `--secure-port=${port}`, '--endpoint-reconciler-type=none'],
    ...[`--client-ca-file=${at('ca.crt')}`, `--tls-cert-file=${at('apiserver.crt')}`],
    ...[`--tls-private-key-file=${at('apiserver.key')}`, '--service-account-issuer=https://kubernetes.default.svc'],
    ...[`--service-account-key-file=${at('sa.key')}`, `--service-account-signing-key-file=${at('sa.key')}`],
    ...['--service-cluster-ip-range=10.96.0.0/16', '--authorization-mode=RBAC'],
    ...['--disable-admission-plugins=ServiceAccount', '--allow-privileged'],
    ...(options.encryptionConfiguration === undefined ? [] : [`--encryption-provider-config=${at('encryption.yaml')}`]),
    ...(options.arguments ?? []),
  ];
  const log = at('kube-apiserver.log');
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    const output = openSync(log, 'a');
    // The kernel kills it when this process ends.
    const program = path.join(options.binaries, 'kube-apiserver');
    child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], { stdio: ['ignore', output, output] });
    closeSync(output);
    await ready(server, { ca: ca.certificate, cert: client.certificate, key: client.key }, child, log);
  };
  const dispose = async (): Promise<void> => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    server,
    ca: ca.certificate,
    client,
    files: { kubeconfig: at('admin.conf'), serviceAccountKey: at('sa.key'), ca: at('ca.crt') },
    log: () => readFile(log, 'utf8'),
    start,
    stop,
    dispose,
  };
}

async function ready(
  server: string,
  tls: { readonly ca: string; readonly cert: string; readonly key: string },
  child: ChildProcess,
  log: string,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    if ((await statusOf(`${server}/readyz`, tls)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`kube-apiserver is not ready:\n${(await readFile(log, 'utf8')).slice(-2000)}`);
}

/** The status of one GET; `undefined` without an answer. */
function statusOf(url: string, tls: object): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = request(url, { ...tls, agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(undefined));
    probe.end();
  });
}
