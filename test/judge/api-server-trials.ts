import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The PEM files of a kube-apiserver that are tried. */
export type ApiServerFile = 'ca.crt' | 'serving.crt' | 'serving.key' | 'sa.pub' | 'sa.key';
export type ApiServerFiles = Readonly<Record<ApiServerFile, string | Uint8Array>>;

/** Where it stores; nothing is read or written before it has accepted its files. */
export interface EtcdFlags {
  readonly flags: readonly string[];
}

export interface ApiServerInput {
  /** The directory of the Kubernetes programs. */
  readonly binaries: string;
  readonly files: ApiServerFiles;
  readonly etcd: EtcdFlags;
  readonly port: number;
  /** Further certificates with their keys, each for a server name. */
  readonly named?: readonly { readonly name: string; readonly certificate: Uint8Array; readonly key: Uint8Array }[];
  readonly until: keyof typeof LOGGED;
}

/** A started kube-apiserver, or why it has refused its files. */
export interface StartedApiServer extends AsyncDisposable {
  readonly error: string;
}

/** Logged once all files are read, when the first client of etcd is made; and when it listens. */
const LOGGED = { accepted: /parsed scheme/, serving: /Serving securely on/ } as const;
const START_TIMEOUT_MS = 120_000;
const POLL_MS = 20;

/** Starts a kube-apiserver on the files until it has accepted them, or serves; disposing of it kills it and removes the files. */
export async function startOn(input: ApiServerInput): Promise<StartedApiServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-judged-'));
  const at = (file: string): string => path.join(directory, file);
  let child: ChildProcess | undefined;
  const dispose = async (): Promise<void> => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const [file, content] of Object.entries(input.files)) await writeFile(at(file), content, { mode: 0o600 });
    const named: string[] = [];
    for (const { name, certificate, key } of input.named ?? []) {
      await writeFile(at(`${name}.crt`), certificate);
      await writeFile(at(`${name}.key`), key, { mode: 0o600 });
      named.push(`--tls-sni-cert-key=${at(`${name}.crt`)},${at(`${name}.key`)}:${name}`);
    }
    const words = [
      ...input.etcd.flags,
      ...['--bind-address=127.0.0.1', `--secure-port=${input.port}`, '--endpoint-reconciler-type=none'],
      ...[`--client-ca-file=${at('ca.crt')}`, `--tls-cert-file=${at('serving.crt')}`],
      ...[`--tls-private-key-file=${at('serving.key')}`, '--service-account-issuer=https://kubernetes.default.svc'],
      ...[`--service-account-key-file=${at('sa.pub')}`, `--service-account-signing-key-file=${at('sa.key')}`],
      ...['--service-cluster-ip-range=10.96.0.0/16', '--disable-admission-plugins=ServiceAccount', ...named],
    ];
    const output = openSync(at('log'), 'a');
    // The kernel kills it when this process ends.
    const program = path.join(input.binaries, 'kube-apiserver');
    child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], { stdio: ['ignore', output, output] });
    closeSync(output);
    return { error: await waitFor(LOGGED[input.until], child, at('log')), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function waitFor(logged: RegExp, child: ChildProcess, file: string): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const hasEnded = child.exitCode !== null;
    const log = await readFile(file, 'utf8');
    if (logged.test(log)) return '';
    if (hasEnded) return /^Error: (.*)/m.exec(log)?.[1] ?? `it ends:\n${log.slice(-1000)}`;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`kube-apiserver neither serves nor ends:\n${(await readFile(file, 'utf8')).slice(-2000)}`);
}
