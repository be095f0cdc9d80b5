import { hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { LAB_ROOT, NETNS_DIRECTORY, NODE_MOUNTS } from './lab-directory.ts';

/** The changes that labs make to the machine, recorded to be reverted with the last lab. */
interface MachineChanges {
  /** Directories created as mount points, parents first. */
  readonly directories: readonly string[];
  /** Original kernel settings, by path. */
  readonly settings: Readonly<Record<string, string>>;
}

const CHANGES_FILE = joinPath(LAB_ROOT, 'machine.json');

/** The kubelet sets these for the whole machine (pkg/kubelet/cm, setupKernelTunables). */
const KUBELET_SETTINGS = [
  '/proc/sys/kernel/keys/root_maxbytes',
  '/proc/sys/kernel/keys/root_maxkeys',
  '/proc/sys/kernel/panic',
  '/proc/sys/kernel/panic_on_oops',
  '/proc/sys/vm/overcommit_memory',
] as const;

const INOTIFY_INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
/** The kernel's default of 128 is too low for a kubelet and a containerd in addition to the machine's own programs. */
const ENOUGH_INOTIFY_INSTANCES = 1024;

/** `sh -c` script: removes the directory `$0` if it is empty; `ip netns` bind-mounts its directory on itself. */
const REMOVE_DIRECTORY = `
[ -d "$0" ] && [ -z "$(ls -A "$0")" ] || exit 0
! mountpoint --quiet "$0" || umount "$0"
rmdir "$0"`;

/** Prepares the machine for its first lab; idempotent. Call it under the lab lock. */
export async function prepareMachine(deps: LabDeps): Promise<void> {
  const { host } = deps;
  if ((await host.stat(CHANGES_FILE)) === undefined) {
    const settings = await readSettings([...KUBELET_SETTINGS, INOTIFY_INSTANCES], deps);
    const changes: MachineChanges = { directories: await missingDirectories(deps), settings };
    await host.makeDirectory(LAB_ROOT, { mode: 0o755 });
    await host.writeFile(CHANGES_FILE, Buffer.from(`${JSON.stringify(changes)}\n`), { mode: 0o600 });
  }
  for (const path of NODE_MOUNTS) await host.makeDirectory(hostPath(path), { mode: 0o755 });
  const [instances = '0'] = Object.values(await readSettings([INOTIFY_INSTANCES], deps));
  if (Number(instances) < ENOUGH_INOTIFY_INSTANCES) {
    await writeSetting(INOTIFY_INSTANCES, String(ENOUGH_INOTIFY_INSTANCES), deps);
  }
}

/**
 * Reverts the changes that labs made to the machine and deletes their record. Directories that are not empty stay. Call it
 * under the lab lock, after the last lab: removing a mount point unmounts it in every namespace.
 */
export async function restoreMachine(deps: Pick<LabDeps, 'host'>): Promise<void> {
  const data = await deps.host.readFile(CHANGES_FILE);
  if (data !== undefined) {
    const { directories, settings } = JSON.parse(Buffer.from(data).toString('utf8')) as MachineChanges;
    for (const [path, value] of Object.entries(settings)) await writeSetting(path, value, deps);
    for (const directory of directories.toReversed()) await runCommand(deps, ['sh', '-c', REMOVE_DIRECTORY, directory]);
    await deps.host.remove(CHANGES_FILE);
  }
  await runCommand(deps, ['sh', '-c', '[ ! -d "$0" ] || rmdir "$0"', LAB_ROOT]);
}

/** The mount points that do not exist, each after its missing parents. */
async function missingDirectories({ host }: Pick<LabDeps, 'host'>): Promise<readonly string[]> {
  const missing = new Set<string>();
  for (const path of [...NODE_MOUNTS, NETNS_DIRECTORY]) {
    const absent: string[] = [];
    for (let at = hostPath(path); (await host.stat(at)) === undefined; at = parentPath(at)) absent.unshift(at);
    for (const directory of absent) missing.add(directory);
  }
  return [...missing];
}

async function readSettings(paths: readonly string[], deps: Pick<LabDeps, 'host'>): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const path of paths) settings[path] = (await runCommand(deps, ['cat', path])).stdout.trim();
  return settings;
}

/** Not the host's atomic write: a kernel setting cannot be replaced by a rename. */
async function writeSetting(path: string, value: string, deps: Pick<LabDeps, 'host'>): Promise<void> {
  await runCommand(deps, ['sh', '-c', 'echo "$1" >"$0"', path, value]);
}
