import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf } from './fs-failure.ts';
import type { ProcessInfo, ProcessSelection, ProgramFile } from '../host.ts';
import { argvOf, effectiveUidOf, startTicksOf, uidOf } from '../proc-files.ts';

const PERMISSION_BITS = 0o7777;

/**
 * Every process in /proc, or those selected. Synchronous on purpose: /proc is memory, and a trip through the thread pool for each of
 * the hundreds of small files takes ten times as long as reading them.
 */
export function readProcesses(selection: ProcessSelection = {}): readonly ProcessInfo[] {
  const ownNetwork = readlinkSync('/proc/self/ns/net');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name), ownNetwork, selection))
    .filter((found) => found !== undefined);
}

/** The kernel follows the link to the inode, not to a name: proc_pid_exe(5). */
function readProgram(pid: number): ProgramFile | 'unreadable' {
  try {
    const { uid, mode } = statSync(`/proc/${pid}/exe`);
    return { uid, mode: mode & PERMISSION_BITS };
  } catch {
    return 'unreadable';
  }
}

function readProcess(pid: number, ownNetwork: string, wanted: ProcessSelection): ProcessInfo | undefined {
  try {
    const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    if (wanted.cgroup?.(cgroup) === false) return undefined;
    const argv = argvOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    if (wanted.argv?.(argv) === false) return undefined;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      pid,
      uid: uidOf(status),
      effectiveUid: effectiveUidOf(status),
      program: readProgram(pid),
      argv,
      startTicks: startTicksOf(readFileSync(`/proc/${pid}/stat`, 'utf8')),
      cgroup,
      hasOtherNetwork: readlinkSync(`/proc/${pid}/ns/net`) !== ownNetwork,
    };
  } catch (error) {
    // The process exited during the read, or belongs to a user without read permission.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
