import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Host } from '../host.ts';
import { createLocalHost } from './local-host.ts';

type Exec = Host['exec'];

const CGROUPS = '/sys/fs/cgroup';
const READY_TIMEOUT_MS = 30_000;

/**
 * Runs in its own namespaces, on an overlay of the machine's files: the units that start, such as the one that empties /tmp,
 * do not change the machine. `container` disables what only a machine's own service manager may do (systemd.exec(5)).
 */
const BOOT = `
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
for directory in run tmp var/log etc/systemd/system; do mount -t tmpfs -o mode=755 tmpfs $directory; done
mkdir old
pivot_root . old
umount -l old
printf '[Unit]\\nDescription=nothing but what is started by hand\\n' >/etc/systemd/system/empty.target
export container=test
exec /lib/systemd/systemd --system --unit=empty.target </dev/null
`;

export interface RealSystemd {
  /** Runs a program beside the service manager, as `Host.exec` does. */
  readonly exec: Exec;
  /** Writes a file that is visible to the service manager and its services. */
  write(file: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** Starts a systemd as the first process of a process namespace. Needs root. */
export async function startSystemd(): Promise<RealSystemd> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-systemd-'));
  const group = path.basename(directory);
  const hierarchies = await cgroupHierarchies();
  await Promise.all(hierarchies.map((hierarchy) => mkdir(path.join(hierarchy, group))));
  // The shell enters the groups first, so that they are the root of the cgroup namespace.
  const enter = hierarchies.map((hierarchy) => `echo $$ >${hierarchy}/${group}/cgroup.procs`).join('\n');
  const namespaces = ['--pid', '--fork', '--kill-child', '--mount', '--uts', '--ipc', '--cgroup'];
  const boot = `${enter}\nexec unshare ${namespaces.join(' ')} sh -euc '${BOOT.replaceAll("'", String.raw`'\''`)}' sh "$1"`;
  const started = spawn('sh', ['-euc', boot, 'sh', directory], { stdio: ['ignore', 'ignore', 'pipe'] });
  const remove = async (): Promise<void> => {
    await end(started);
    for (const hierarchy of hierarchies) await removeGroup(path.join(hierarchy, group));
    await rm(directory, { recursive: true });
  };
  try {
    const pid = await readyPid(started);
    const { exec } = createLocalHost();
    const inside: Exec = ([program, ...args], options) =>
      exec(['nsenter', `--target=${pid}`, '--mount', '--pid', '--uts', '--ipc', '--cgroup', program, ...args], options);
    const write = async (file: string, text: string): Promise<void> => {
      await writeFile(path.join('/proc', String(pid), 'root', file), text);
    };
    return { exec: inside, write, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The hierarchies in which a new group can be entered at once; the cpuset hierarchy needs processors first. */
async function cgroupHierarchies(): Promise<readonly string[]> {
  const names = await readdir(CGROUPS);
  if (names.includes('cgroup.controllers')) return [CGROUPS];
  return names.filter((name) => name !== 'cpuset').map((name) => path.join(CGROUPS, name));
}

/** The pid of the service manager outside its namespace, once it answers. */
async function readyPid(unshare: ChildProcess): Promise<number> {
  let said = '';
  unshare.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const { exec } = createLocalHost();
  const until = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < until && unshare.exitCode === null) {
    const children = await readFile(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8').catch(() => '');
    const pid = Number(children.trim());
    if (pid > 0) {
      const argv = [
        'nsenter',
        `--target=${pid}`,
        '--mount',
        '--pid',
        'systemctl',
        'is-active',
        'empty.target',
      ] as const;
      const { exitCode } = await exec(argv, { timeoutMs: READY_TIMEOUT_MS });
      if (exitCode === 0) return pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`systemd did not come up: ${said}`);
}

/** When the first process of a process namespace ends, all of its processes end. */
async function end(unshare: ChildProcess): Promise<void> {
  if (unshare.exitCode !== null || unshare.signalCode !== null) return;
  const ended = once(unshare, 'exit');
  unshare.kill('SIGKILL');
  await ended;
}

/** Its processes have been killed; the kernel may release them with a delay. */
async function removeGroup(group: string): Promise<void> {
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  }
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await rmdir(group);
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
