import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree } from '@kube-rescue/testing';
import { BIN, type Ended, runProgram } from '../../apps/cli/src/cli-process.fixture.ts';

/** The attacker: a real user ID of this machine, with no name, no groups and no rights. */
export const USER = 60_001;

/**
 * $1: a directory with `node` and `overlay`. Makes the planted files those of this mount namespace, so that the program runs on
 * a live machine without `--root`.
 */
const ENTER = `
set -e
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/overlay/up,workdir=$1/overlay/work" /etc
mkdir -p /etc/kubernetes /etc/cron.d
mount --bind "$1/node/etc/kubernetes" /etc/kubernetes
mount --bind "$1/node/var/lib" /var/lib
mount --bind "$1/log" /var/log
ip link set lo up
echo ready
exec sleep 100000
`;

/** A kubeadm node with expired certificates in namespaces of its own, and a user who has an account on it. */
export interface AttackedNode {
  /** The user's own writable directory. */
  readonly home: string;
  /** A file of root's that only root may read. */
  readonly victim: string;
  /** Runs a shell line as root on the node. */
  asRoot(line: string): Promise<Ended>;
  /** Runs a shell line as the user, with every word after it as `$1`, `$2`. */
  asUser(line: string, ...words: readonly string[]): Promise<Ended>;
  /** Starts a process of the user that lasts until the node is removed or `kill` is called. */
  start(line: string, ...words: readonly string[]): ChildProcess;
  /** Runs the built program as root, in the environment that `sudo` leaves of the user's. */
  rescue(...words: readonly string[]): Promise<Ended>;
  /** Names, owners, modes, times and digests of everything below a directory of the node. */
  snapshot(directory: string): Promise<string>;
  remove(): Promise<void>;
}

/** Describes a tree: one line for each entry, with a digest for each file. */
const SNAPSHOT = `
cd "$1" && find . -printf '%p %y %U %m %T@ %l\\n' | sort && find . -type f -exec sha256sum {} + | sort
`;

/** @throws Error without root: the suite proves nothing then, so it fails */
export async function startAttackedNode(): Promise<AttackedNode> {
  if (process.getuid?.() !== 0) throw new Error('this suite needs root: it starts processes of another user');
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-adversary-'));
  await chmod(directory, 0o755);
  const at = (...names: readonly string[]): string => path.join(directory, ...names);
  for (const name of ['node/var/lib/kubelet', 'overlay/up', 'overlay/work', 'log/pods', 'home']) {
    await mkdir(at(name), { recursive: true });
  }
  const { tree } = await buildPki({
    expired: ['apiserver', 'admin.conf', 'scheduler.conf', 'controller-manager.conf', 'kubelet-client', 'etcd/server'],
    algorithm: 'ecdsa',
  });
  await plantTree(createLocalHost({ root: hostPath(at('node')) }), tree);
  await chown(at('home'), USER, USER);
  await writeFile(at('victim'), "root's own file\n", { mode: 0o600 });
  const flags = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc'];
  const shell = spawn('unshare', [...flags, 'sh', '-c', ENTER, 'sh', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(shell.stdout, 'data'),
    once(shell, 'exit').then(() => Promise.reject(new Error('no node'))),
  ]);
  const [init] = (await readFile(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8')).split(' ');
  const enter = ['-t', init ?? '', '-m', '-p', '-n', '--'];
  const drop = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--'];
  const home = at('home');
  const started: ChildProcess[] = [];
  const left = { HOME: home, TMPDIR: home, KUBECONFIG: path.join(home, 'evil.conf'), SUDO_USER: 'mallory' };
  // Entering a mount namespace leads to its root directory.
  const atHome = (line: string): string => `cd '${home}' && ${line}`;
  // Bash takes a socket as its input for a remote shell, and reads the files of HOME.
  const inShell = (line: string, words: readonly string[]): readonly string[] => [
    'bash',
    '--norc',
    '-c',
    line,
    'bash',
    ...words,
  ];
  return {
    home,
    victim: at('victim'),
    asRoot: (line) => runProgram('nsenter', [...enter, ...inShell(line, [])]),
    asUser: (line, ...words) => runProgram('nsenter', [...enter, ...drop, ...inShell(atHome(line), words)]),
    start: (line, ...words) => {
      const child = spawn('nsenter', [...enter, ...drop, ...inShell(atHome(line), words)], { stdio: 'ignore' });
      started.push(child);
      return child;
    },
    rescue: (...words) =>
      runProgram('nsenter', [...enter, process.execPath, BIN, ...words], {
        env: { ...process.env, ...left, SUDO_UID: String(USER), SUDO_GID: String(USER) },
      }),
    snapshot: async (of) => (await runProgram('nsenter', [...enter, ...inShell(SNAPSHOT, [of])])).stdout,
    remove: async () => {
      for (const child of started) child.kill('SIGKILL');
      shell.kill('SIGKILL');
      if (shell.exitCode === null && shell.signalCode === null) await once(shell, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
