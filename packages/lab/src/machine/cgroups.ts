import { type HostPath, joinPath } from '@kube-rescue/host';
import { runCommand } from './command.ts';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';
import { CGROUP_PARENT, CGROUP_ROOT, type ClusterNode, daemonCgroup } from './lab-directory.ts';
import { waitFor } from './waiting.ts';

/** The lab's kubelets need these as version 1 hierarchies. */
const NEEDED_CONTROLLERS = ['cpu', 'cpuset', 'devices', 'freezer', 'memory', 'pids'] as const;

/**
 * `sh -c` script: creates the groups `$1`, a path from the root, in every hierarchy below the directory `$0`. A new cpuset
 * group has no processors and memory, and accepts no process without.
 */
const MAKE_GROUPS = `
set -eu
for hierarchy in "$0"/*/; do
  [ -f "$hierarchy/cgroup.procs" ] && [ ! -e "$hierarchy/cgroup.controllers" ] || continue
  group=\${hierarchy%/}
  for name in $(echo "$1" | tr / ' '); do
    parent=$group group=$group/$name
    mkdir -p "$group"
    [ -e "$group/cpuset.cpus" ] || continue
    cat "$parent/cpuset.cpus" >"$group/cpuset.cpus"
    cat "$parent/cpuset.mems" >"$group/cpuset.mems"
  done
done`;

/** `sh -c` script: removes the tree of groups `$1` from every hierarchy below the directory `$0`, deepest first. */
const REMOVE_GROUPS = `
for group in "$0"/*/"$1"; do
  [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
done
for group in "$0"/*/"$1"; do
  [ ! -d "$group" ] || exit 1
done`;

const REMOVAL_DEADLINE_MS = 10_000;

/** @throws LabError `LAB_MACHINE_UNSUPPORTED` where the control groups are not version 1 */
export async function assertCgroups({ host }: Pick<LabDeps, 'host'>): Promise<void> {
  const hierarchies = new Set(await host.list(CGROUP_ROOT));
  const missing = NEEDED_CONTROLLERS.filter((name) => !hierarchies.has(name));
  if (missing.length === 0) return;
  throw new LabError({
    code: 'LAB_MACHINE_UNSUPPORTED',
    message: `the lab needs version 1 control groups; missing: ${missing.join(', ')}`,
    subject: CGROUP_ROOT,
    hint: 'boot with systemd.unified_cgroup_hierarchy=0, or use another machine',
  });
}

/**
 * Creates the control groups of `node`. Each kubelet needs a separate root: two kubelets with one root remove each other's
 * pods as orphans.
 */
export async function createCgroups(node: ClusterNode, deps: LabDeps): Promise<void> {
  await runCommand(deps, ['sh', '-c', MAKE_GROUPS, CGROUP_ROOT, daemonCgroup(node)]);
}

/** Removes a lab's control groups; the kernel allows that once their last process is reaped. */
export async function removeCgroups(labId: string, deps: Pick<LabDeps, 'host' | 'clock'>): Promise<void> {
  const argv = ['sh', '-c', REMOVE_GROUPS, CGROUP_ROOT, `${CGROUP_PARENT}/${labId}`] as const;
  await waitFor(deps, {
    subject: `control groups of lab ${labId}`,
    deadlineMs: REMOVAL_DEADLINE_MS,
    check: async () => {
      const { exitCode } = await deps.host.exec(argv, { timeoutMs: 10_000 });
      return exitCode === 0 ? { value: undefined } : { waitingFor: 'a group is still in use' };
    },
  });
}

/** Removes the parent of all labs' control groups if it is empty. */
export async function removeCgroupParent({ host }: Pick<LabDeps, 'host'>): Promise<void> {
  const remove = 'rmdir "$0"/*/"$1" 2>/dev/null || true';
  await runCommand({ host }, ['sh', '-c', remove, CGROUP_ROOT, CGROUP_PARENT]);
}

/** Lists the labs that have control groups, with the paths of the groups. */
export async function listCgroups({
  host,
}: Pick<LabDeps, 'host'>): Promise<readonly { labId: string; path: HostPath }[]> {
  const hierarchies = (await host.list(CGROUP_ROOT)) ?? [];
  const groups = await Promise.all(
    hierarchies.map(async (hierarchy) => {
      const parent = joinPath(CGROUP_ROOT, hierarchy, CGROUP_PARENT);
      const names = (await host.list(parent)) ?? [];
      const stats = await Promise.all(names.map((name) => host.stat(joinPath(parent, name))));
      return names
        .filter((_, index) => stats[index]?.kind === 'directory')
        .map((labId) => ({ labId, path: joinPath(parent, labId) }));
    }),
  );
  return groups.flat();
}
