import type { ProcessInfo } from '@kube-rescue/host';
import type { LabDeps } from './lab-deps.ts';
import { CGROUP_PARENT, isLabId, LAB_ROOT, labIdOfNetns, NETNS_DIRECTORY } from './lab-directory.ts';

/** A process that belongs to a lab. */
export interface LabProcess {
  readonly pid: number;
  readonly labId: string;
  readonly program: string;
}

const CGROUP_OF_LAB = new RegExp(`:/${CGROUP_PARENT}/([0-9a-f]{6})(?:/|$)`, 'm');

/** `sh -c` scripts: the inode of each bind-mounted namespace, and the namespaces of each process. */
const NAMESPACE_FILES = `stat --format='%i %n' "$0"/*/*/namespaces/mnt "$1"/kube-rescue-* 2>/dev/null`;
const PROCESS_NAMESPACES = `find /proc/[0-9]*/ns/mnt /proc/[0-9]*/ns/net -printf '%p %l\\n' 2>/dev/null`;

/**
 * Lists every process of any lab: processes in a lab's control groups (daemons, shims, containers), and processes that
 * entered a lab's namespaces from outside, as kubectl or a recovery does.
 */
export async function listLabProcesses(deps: Pick<LabDeps, 'host'>): Promise<readonly LabProcess[]> {
  const entered = await processesInNamespaces(deps);
  const found: LabProcess[] = [];
  for (const { pid, argv, cgroup } of await deps.host.processes()) {
    const labId = labIdOfCgroup(cgroup) ?? entered.get(pid);
    if (labId !== undefined) found.push({ pid, labId, program: argv[0] ?? '' });
  }
  return found;
}

/** @param cgroup text of /proc/PID/cgroup */
export function labIdOfCgroup(cgroup: ProcessInfo['cgroup']): string | undefined {
  return CGROUP_OF_LAB.exec(cgroup)?.[1];
}

async function processesInNamespaces({ host }: Pick<LabDeps, 'host'>): Promise<ReadonlyMap<number, string>> {
  const options = { timeoutMs: 10_000 };
  const files = await host.exec(['sh', '-c', NAMESPACE_FILES, LAB_ROOT, NETNS_DIRECTORY], options);
  const owners = parseNamespaceFiles(files.stdout);
  if (owners.size === 0) return new Map();
  const processes = await host.exec(['sh', '-c', PROCESS_NAMESPACES], options);
  return parseProcessNamespaces(processes.stdout, owners);
}

/** @param listing lines of inode and path; returns the lab of each inode */
export function parseNamespaceFiles(listing: string): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const [, inode = '', path = ''] of listing.matchAll(/^(\d+) (.*)$/gm)) {
    const labId = labIdOfNetns(path.slice(path.lastIndexOf('/') + 1)) ?? labIdOfPath(path);
    if (labId !== undefined) owners.set(inode, labId);
  }
  return owners;
}

/** @param listing lines such as `/proc/17/ns/mnt mnt:[4026532315]` */
export function parseProcessNamespaces(
  listing: string,
  owners: ReadonlyMap<string, string>,
): ReadonlyMap<number, string> {
  const entered = new Map<number, string>();
  for (const [, pid, inode = ''] of listing.matchAll(/^\/proc\/(\d+)\/ns\/\w+ \w+:\[(\d+)\]$/gm)) {
    const labId = owners.get(inode);
    if (labId !== undefined) entered.set(Number(pid), labId);
  }
  return entered;
}

function labIdOfPath(path: string): string | undefined {
  const [labId = ''] = path.slice(LAB_ROOT.length + 1).split('/');
  return isLabId(labId) ? labId : undefined;
}
