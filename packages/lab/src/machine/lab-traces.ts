import { hostPath } from '@kube-rescue/host';
import { listCgroups } from './cgroups.ts';
import type { LabDeps } from './lab-deps.ts';
import { isLabId, LAB_ROOT, labDirectory, labIdOfNetns, NETNS_DIRECTORY } from './lab-directory.ts';
import { listLabProcesses } from './lab-processes.ts';
import { isOwnerRunning, listLabDirectories, readLabRecord, withLabLock } from './lab-register.ts';
import { removeLab } from './lab-removal.ts';

/** Something on the machine that belongs to a lab. */
export interface LabTrace {
  readonly labId: string;
  readonly kind: 'process' | 'mount' | 'netns' | 'cgroup' | 'directory';
  /** A pid with its program, a mount point, a name or a path. */
  readonly what: string;
}

export interface RemovalInput {
  /** Also remove labs that were kept on purpose. */
  readonly kept: boolean;
}

/** Lists every trace of every lab on the machine, regardless of its owner. */
export async function listLabTraces(deps: Pick<LabDeps, 'host'>): Promise<readonly LabTrace[]> {
  const { host } = deps;
  const [processes, cgroups, directories, netns, mountInfo] = await Promise.all([
    listLabProcesses(deps),
    listCgroups(deps),
    listLabDirectories(deps),
    host.list(NETNS_DIRECTORY),
    host.readFile(hostPath('/proc/self/mountinfo')),
  ]);
  return [
    ...processes.map(({ labId, pid, program }) => ({ labId, kind: 'process' as const, what: `${pid} ${program}` })),
    ...parseLabMounts(Buffer.from(mountInfo ?? []).toString('utf8')),
    ...(netns ?? []).flatMap((name) => {
      const labId = labIdOfNetns(name);
      return labId === undefined ? [] : [{ labId, kind: 'netns' as const, what: name }];
    }),
    ...cgroups.map(({ labId, path }) => ({ labId, kind: 'cgroup' as const, what: path })),
    ...directories.map((labId) => ({ labId, kind: 'directory' as const, what: labDirectory(labId) })),
  ];
}

/** @param mountInfo text of /proc/PID/mountinfo, whose fifth field is the mount point */
export function parseLabMounts(mountInfo: string): readonly LabTrace[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${LAB_ROOT}/`))
    .map((point) => ({ labId: point.slice(LAB_ROOT.length + 1).split('/')[0] ?? '', kind: 'mount', what: point }));
}

/**
 * Removes orphaned labs, and with `kept` also those that were kept on purpose. Labs whose owner still runs are not touched.
 *
 * @returns the ids of the labs that were removed
 * @throws LabError `LAB_NOT_REMOVED`
 */
export async function removeLabTraces({ kept }: RemovalInput, deps: LabDeps): Promise<readonly string[]> {
  return withLabLock(deps, async () => {
    const ids = [...new Set((await listLabTraces(deps)).map(({ labId }) => labId))].filter(isLabId);
    const removed: string[] = [];
    for (const id of ids) {
      deps.signal?.throwIfAborted();
      if (!(await isOrphaned(id, kept, deps))) continue;
      deps.onProgress?.({ phase: 'clean', message: `removing lab ${id}` });
      await removeLab(id, deps);
      removed.push(id);
    }
    return removed;
  });
}

/** A lab without a readable record was interrupted while it was created or removed, so it has no owner. */
async function isOrphaned(id: string, kept: boolean, deps: Pick<LabDeps, 'host'>): Promise<boolean> {
  const record = await readLabRecord(id, deps);
  if (record === undefined) return true;
  return record.kept ? kept : !(await isOwnerRunning(record.owner, deps));
}
