import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real sshd on the loopback address, with new keys. */
export interface RunningSshServer {
  readonly address: string;
  readonly port: number;
  /** Pid of the listening process; each connection has a child process. */
  readonly pid: number;
  /** The private key for root. */
  readonly identityFile: string;
  /** Contains the host key. */
  readonly knownHostsFile: string;
  /** The directory of these files; removed by `stop`. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** What a server shows in place of this machine. */
export interface SshServerOptions {
  /** Directories that only its sessions have, by the path that they cover; in a mount namespace of its own. Default: none. */
  readonly mounts?: Readonly<Record<string, string>> | undefined;
  /** Its host name. Default: that of this machine. */
  readonly hostname?: string | undefined;
  /** A directory in front of the PATH of its sessions. Default: none. */
  readonly programs?: string | undefined;
}

const SSHD = '/usr/sbin/sshd';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** $1 host name or nothing, then pairs of directory and mount point up to `--`, then the argv of the server. */
const ISOLATE = `
[ -z "$1" ] || hostname "$1"
shift
while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 1; shift 2; done
shift
exec "$@"
`;
const READY_TRIES = 100;

/** Starts sshd as root on a free port, independent of this machine's own sshd. */
export async function startSshServer(options: SshServerOptions = {}): Promise<RunningSshServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-sshd-'));
  chmodSync(directory, 0o700);
  const at = (name: string): string => path.join(directory, name);
  for (const key of ['host', 'identity']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)]);
  }
  const port = await freePort();
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
  writeFileSync(at('authorized_keys'), readFileSync(at('identity.pub')), { mode: 0o600 });
  writeFileSync(
    at('sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      // On Debian the machine's host name resolves to this address.
      `ListenAddress 127.0.1.1:${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      `PidFile ${at('pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'MaxStartups 100',
      'MaxSessions 100',
      // Another home directory: what root's shell does at its start on this machine may take longer than the command.
      `SetEnv HOME=${directory}${options.programs === undefined ? '' : ` PATH=${options.programs}:${PATH}`}`,
      '',
    ].join('\n'),
  );
  // sshd's privilege separation directory, which its unit creates at boot.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const [program, ...args] = isolated([SSHD, '-D', '-e', '-f', at('sshd_config')], options);
  const server = spawn(program, args, { stdio: 'ignore' });
  const exited = once(server, 'exit');
  await waitForPort(port);
  return {
    address: '127.0.0.1',
    port,
    pid: server.pid ?? 0,
    identityFile: at('identity'),
    knownHostsFile: at('known_hosts'),
    directory,
    stop: async () => {
      server.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The argv in namespaces of its own, which end with it; the same argv where it needs none. */
export function isolated(
  argv: readonly [string, ...string[]],
  { mounts = {}, hostname }: Pick<SshServerOptions, 'mounts' | 'hostname'>,
): readonly [string, ...string[]] {
  if (hostname === undefined && Object.keys(mounts).length === 0) return argv;
  const pairs = Object.entries(mounts).flatMap(([point, directory]) => [directory, point]);
  return ['unshare', '--mount', '--uts', 'sh', '-c', ISOLATE, 'sh', hostname ?? '', ...pairs, '--', ...argv];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await delay(50);
  }
  throw new Error(`sshd does not answer on port ${port}`);
}
