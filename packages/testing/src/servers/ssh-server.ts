import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real sshd on the loopback address, with keys of its own. */
export interface RunningSshServer {
  readonly address: string;
  readonly port: number;
  /** Of the process that listens; each connection has a child of it. */
  readonly pid: number;
  /** Lets root in. */
  readonly identityFile: string;
  /** Knows the host key. */
  readonly knownHostsFile: string;
  /** The directory that holds these files; goes with the server. */
  readonly directory: string;
  stop(): Promise<void>;
}

const SSHD = '/usr/sbin/sshd';
const READY_TRIES = 100;

/** Starts sshd as a plain process, as root, on a free port; nothing of this machine's own sshd is used. */
export async function startSshServer(): Promise<RunningSshServer> {
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
      // Debian gives the machine's own name this address.
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
      '',
    ].join('\n'),
  );
  // The directory of sshd's unprivileged part; its unit makes it at boot.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const server = spawn(SSHD, ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
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
