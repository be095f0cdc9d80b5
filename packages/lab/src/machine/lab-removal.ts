import { listCgroups, removeCgroupParent, removeCgroups } from './cgroups.ts';
import { runCommand } from './command.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { LabError } from '../errors.ts';
import { labDirectory, labIdOfNetns, NETNS_FOLDER } from './lab-directory.ts';
import { listLabProcesses } from './lab-processes.ts';
import { listLabDirectories } from './lab-register.ts';
import { restoreMachine } from './machine-changes.ts';
import { waitFor } from './waiting.ts';

type Machine = Pick<LabDeps, 'host' | 'clock'>;

const KILL_DEADLINE_MS = 30_000;

/** `sh -c` script: unmounts everything below the folder $0, what was mounted last first. */
const UNMOUNT_BELOW = `set -eu
awk -v folder="$0/" 'index($5, folder) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r point; do
  umount "$point"
done`;

/**
 * Removes every trace of a lab, whatever state it is in; with the last lab also what labs changed on the machine.
 * Does nothing where there is no such lab. Call it under the lab lock.
 *
 * @throws LabError `LAB_NOT_REMOVED` with what resisted as the cause
 */
export async function removeLab(id: string, deps: Machine): Promise<void> {
  try {
    await killProcesses(id, deps);
    await unmountFolder(id, deps);
    await deleteNetworks(id, deps);
    await removeCgroups(id, deps);
    await runCommand(deps, ['rm', '-rf', '--one-file-system', labDirectory(id)], { timeoutMs: 120_000 });
    if ((await listLabDirectories(deps)).length > 0 || (await listCgroups(deps)).length > 0) return;
    await removeCgroupParent(deps);
    await restoreMachine(deps);
  } catch (cause) {
    throw new LabError({
      code: 'LAB_NOT_REMOVED',
      message: 'the lab could not be removed to its end',
      subject: labDirectory(id),
      hint: 'remove what stands in the way, see the cause, then remove the leftovers again',
      cause,
    });
  }
}

/** Kills all at once and again: whoever was about to start another process has then started it. */
async function killProcesses(id: string, deps: Machine): Promise<void> {
  const kill = 'kill -KILL "$@" 2>/dev/null || true';
  await waitFor(deps, {
    subject: `processes of lab ${id}`,
    deadlineMs: KILL_DEADLINE_MS,
    intervalMs: 50,
    look: async () => {
      const alive = (await listLabProcesses(deps)).filter(({ labId }) => labId === id);
      if (alive.length === 0) return { value: undefined };
      await runCommand(deps, ['sh', '-c', kill, 'sh', ...alive.map(({ pid }) => String(pid))]);
      return { waitingFor: alive.map(({ pid, program }) => `${pid} ${program}`).join(', ') };
    },
  });
}

/**
 * The files that keep the nodes' namespaces, and whatever else was mounted in the lab's folder: with the last process and the
 * last file gone, the kernel drops a mount namespace and all that is mounted in it.
 */
async function unmountFolder(id: string, deps: Machine): Promise<void> {
  await runCommand(deps, ['sh', '-c', UNMOUNT_BELOW, labDirectory(id)]);
}

async function deleteNetworks(id: string, deps: Machine): Promise<void> {
  const names = ((await deps.host.list(NETNS_FOLDER)) ?? []).filter((name) => labIdOfNetns(name) === id);
  for (const name of names) {
    await runCommand(deps, ['ip', 'netns', 'delete', name]);
  }
}
