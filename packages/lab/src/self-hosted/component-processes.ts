import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { labIdOfCgroup } from '../machine/lab-processes.ts';

/** Kills every process of `components` in the cluster. Stop the kubelet first, or it restarts them. */
export async function killComponents(
  { id }: Pick<LabCluster, 'id'>,
  components: readonly string[],
  deps: LabDeps,
): Promise<void> {
  const running = (await deps.host.processes()).filter(({ argv, cgroup }) => {
    // The lab's own programs are the first argument of their interpreter.
    const program = argv.slice(0, 2).join(' ');
    return labIdOfCgroup(cgroup) === id && components.some((name) => program.includes(`/${name}`));
  });
  const kill = 'kill -KILL "$@" 2>/dev/null || true';
  await runCommand(deps, ['sh', '-c', kill, 'sh', ...running.map(({ pid }) => String(pid))]);
}
