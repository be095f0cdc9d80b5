import { hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { LAB_ROOT, NETNS_FOLDER, NODE_MOUNTS } from './lab-directory.ts';

/** What labs change on the machine itself, written down to be put back when the last lab is gone. */
interface MachineChanges {
  /** Folders made as mount points, parents first. */
  readonly folders: readonly string[];
  /** Kernel settings as they were, by their path. */
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
/** The kernel's default of 128 does not suffice for a kubelet and a containerd beside what the machine does already. */
const ENOUGH_INOTIFY_INSTANCES = 1024;

/** `sh -c` script: removes the folder `$0` unless it holds something; `ip netns` has mounted its own on itself. */
const REMOVE_FOLDER = `
[ -d "$0" ] && [ -z "$(ls -A "$0")" ] || exit 0
! mountpoint --quiet "$0" || umount "$0"
rmdir "$0"`;

/** Prepares the machine for its first lab; changes nothing when it is prepared. Call it under the lab lock. */
export async function prepareMachine(deps: LabDeps): Promise<void> {
  const { host } = deps;
  if ((await host.stat(CHANGES_FILE)) === undefined) {
    const settings = await readSettings([...KUBELET_SETTINGS, INOTIFY_INSTANCES], deps);
    const changes: MachineChanges = { folders: await missingFolders(deps), settings };
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
 * Puts back what labs have changed on the machine, and forgets it. Folders that hold something by now stay. Call it
 * under the lab lock, when no lab is left: removing a mount point takes the mount from every namespace.
 */
export async function restoreMachine(deps: Pick<LabDeps, 'host'>): Promise<void> {
  const data = await deps.host.readFile(CHANGES_FILE);
  if (data !== undefined) {
    const { folders, settings } = JSON.parse(Buffer.from(data).toString('utf8')) as MachineChanges;
    for (const [path, value] of Object.entries(settings)) await writeSetting(path, value, deps);
    for (const folder of folders.toReversed()) await runCommand(deps, ['sh', '-c', REMOVE_FOLDER, folder]);
    await deps.host.remove(CHANGES_FILE);
  }
  await runCommand(deps, ['sh', '-c', '[ ! -d "$0" ] || rmdir "$0"', LAB_ROOT]);
}

/** The mount points that are not on the machine, with their missing parents before them. */
async function missingFolders({ host }: Pick<LabDeps, 'host'>): Promise<readonly string[]> {
  const missing = new Set<string>();
  for (const path of [...NODE_MOUNTS, NETNS_FOLDER]) {
    const absent: string[] = [];
    for (let at = hostPath(path); (await host.stat(at)) === undefined; at = parentPath(at)) absent.unshift(at);
    for (const folder of absent) missing.add(folder);
  }
  return [...missing];
}

async function readSettings(paths: readonly string[], deps: Pick<LabDeps, 'host'>): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const path of paths) settings[path] = (await runCommand(deps, ['cat', path])).stdout.trim();
  return settings;
}

/** Not with the host's atomic write: a kernel setting is no file that could be replaced. */
async function writeSetting(path: string, value: string, deps: Pick<LabDeps, 'host'>): Promise<void> {
  await runCommand(deps, ['sh', '-c', 'echo "$1" >"$0"', path, value]);
}
