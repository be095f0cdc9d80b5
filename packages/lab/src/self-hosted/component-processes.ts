import { runCommand } from '../machine/command.ts';
import type { LabDeps } from '../cluster/deps.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { labIdOfCgroup } from '../machine/lab-processes.ts';

/** Kills every process of the cluster that runs one of `components`. While its kubelet is stopped, none is started again. */
export async function killComponents(
  { id }: Pick<LabCluster, 'id'>,
  components: readonly string[],
  deps: LabDeps,
): Promise<void> {
  const running = (await deps.host.processes()).filter(({ argv, cgroup }) => {
    // A program of the lab's own is the first argument of its interpreter.
    const program = argv.slice(0, 2).join(' ');
    return labIdOfCgroup(cgroup) === id && components.some((name) => program.includes(`/${name}`));
  });
  const kill = 'kill -KILL "$@" 2>/dev/null || true';
  await runCommand(deps, ['sh', '-c', kill, 'sh', ...running.map(({ pid }) => String(pid))]);
}
