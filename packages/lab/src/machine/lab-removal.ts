import { listCgroups, removeCgroupParent, removeCgroups } from './cgroups.ts';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';
import { labDirectory, labIdOfNetns, NETNS_DIRECTORY } from './lab-directory.ts';
import { listLabProcesses } from './lab-processes.ts';
import { listLabDirectories } from './lab-register.ts';
import { restoreMachine } from './machine-changes.ts';
import { waitFor } from './waiting.ts';

type Machine = Pick<LabDeps, 'host' | 'clock'>;

const KILL_DEADLINE_MS = 30_000;

/** `sh -c` script: unmounts everything below the directory $0, the last mount first. */
const UNMOUNT_BELOW = `set -eu
awk -v directory="$0/" 'index($5, directory) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r point; do
  umount "$point"
done`;

/**
 * Removes every trace of a lab in any state; with the last lab also reverts the changes that labs made to the machine. Does
 * nothing if the lab does not exist. Call it under the lab lock.
 *
 * @throws LabError `LAB_NOT_REMOVED` with the failure as its cause
 */
export async function removeLab(id: string, deps: Machine): Promise<void> {
  try {
    await killProcesses(id, deps);
    await unmountDirectory(id, deps);
    await deleteNetworks(id, deps);
    await removeCgroups(id, deps);
    await runCommand(deps, ['rm', '-rf', '--one-file-system', labDirectory(id)], { timeoutMs: 120_000 });
    if ((await listLabDirectories(deps)).length > 0 || (await listCgroups(deps)).length > 0) return;
    await removeCgroupParent(deps);
    await restoreMachine(deps);
  } catch (cause) {
    throw new LabError({
      code: 'LAB_NOT_REMOVED',
      message: 'the lab could not be removed completely',
      subject: labDirectory(id),
      hint: 'fix the cause, then run: `kube-rescue drill --clean`',
      cause,
    });
  }
}

/** Kills all processes, repeatedly: a process may start another one meanwhile. */
async function killProcesses(id: string, deps: Machine): Promise<void> {
  const kill = 'kill -KILL "$@" 2>/dev/null || true';
  await waitFor(deps, {
    subject: `processes of lab ${id}`,
    deadlineMs: KILL_DEADLINE_MS,
    intervalMs: 50,
    check: async () => {
      const running = (await listLabProcesses(deps)).filter(({ labId }) => labId === id);
      if (running.length === 0) return { value: undefined };
      await runCommand(deps, ['sh', '-c', kill, 'sh', ...running.map(({ pid }) => String(pid))]);
      return { waitingFor: running.map(({ pid, program }) => `${pid} ${program}`).join(', ') };
    },
  });
}

/**
 * Unmounts the nodes' namespaces and everything else in the lab's directory. Once the last process and the last bind mount
 * are gone, the kernel drops a mount namespace with its mounts.
 */
async function unmountDirectory(id: string, deps: Machine): Promise<void> {
  await runCommand(deps, ['sh', '-c', UNMOUNT_BELOW, labDirectory(id)]);
}

async function deleteNetworks(id: string, deps: Machine): Promise<void> {
  const names = ((await deps.host.list(NETNS_DIRECTORY)) ?? []).filter((name) => labIdOfNetns(name) === id);
  for (const name of names) {
    await runCommand(deps, ['ip', 'netns', 'delete', name]);
  }
}
