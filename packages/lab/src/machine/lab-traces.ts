import { hostPath } from '@kube-rescue/host';
import { listCgroups } from './cgroups.ts';
import type { LabDeps } from '../cluster/deps.ts';
import { isLabId, LAB_ROOT, labDirectory, labIdOfNetns, NETNS_FOLDER } from './lab-directory.ts';
import { listLabProcesses } from './lab-processes.ts';
import { isAlive, listLabDirectories, readLabRecord, withLabLock } from './lab-register.ts';
import { removeLab } from './lab-removal.ts';

/** Something of a lab that is there. */
export interface NotReverted {
  readonly labId: string;
  readonly kind: 'process' | 'mount' | 'netns' | 'cgroup' | 'folder';
  /** A pid with its program, a mount point, a name or a path. */
  readonly what: string;
}

export interface RemovalInput {
  /** Also the labs that were kept on purpose. */
  readonly kept: boolean;
}

/** Lists everything of every lab that can be found on the machine, whoever owns it. Looks afresh; remembers nothing. */
export async function listLabTraces(deps: Pick<LabDeps, 'host'>): Promise<readonly NotReverted[]> {
  const { host } = deps;
  const [processes, cgroups, folders, netns, mountInfo] = await Promise.all([
    listLabProcesses(deps),
    listCgroups(deps),
    listLabDirectories(deps),
    host.list(NETNS_FOLDER),
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
    ...folders.map((labId) => ({ labId, kind: 'folder' as const, what: labDirectory(labId) })),
  ];
}

/** @param mountInfo text of /proc/PID/mountinfo, whose fifth field is the mount point */
export function parseLabMounts(mountInfo: string): readonly NotReverted[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${LAB_ROOT}/`))
    .map((point) => ({ labId: point.slice(LAB_ROOT.length + 1).split('/')[0] ?? '', kind: 'mount', what: point }));
}

/**
 * Removes what earlier labs have left behind: those whose owner is gone, and with `kept` those kept on purpose. A lab
 * whose owner lives is not touched.
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
      if (!(await isLeftover(id, kept, deps))) continue;
      deps.onProgress?.({ phase: 'clean', message: `removing what is left of lab ${id}` });
      await removeLab(id, deps);
      removed.push(id);
    }
    return removed;
  });
}

/** A lab without a readable record was caught while it was made or removed; nobody answers for it. */
async function isLeftover(id: string, kept: boolean, deps: Pick<LabDeps, 'host'>): Promise<boolean> {
  const record = await readLabRecord(id, deps);
  if (record === undefined) return true;
  return record.kept ? kept : !(await isAlive(record.owner, deps));
}
