import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf } from './fs-failure.ts';
import type { ProcessInfo, ProgramFile } from '../host.ts';
import { argvOf, effectiveUidOf, startTicksOf, uidOf } from '../proc-files.ts';

const PERMISSION_BITS = 0o7777;

/**
 * Every process in /proc. Synchronous on purpose: /proc is memory, and a trip through the thread pool for each of the
 * hundreds of small files takes ten times as long as reading them.
 */
export function readProcesses(): readonly ProcessInfo[] {
  const ownNetwork = readlinkSync('/proc/self/ns/net');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name), ownNetwork))
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

function readProcess(pid: number, ownNetwork: string): ProcessInfo | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      pid,
      uid: uidOf(status),
      effectiveUid: effectiveUidOf(status),
      program: readProgram(pid),
      argv: argvOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
      startTicks: startTicksOf(readFileSync(`/proc/${pid}/stat`, 'utf8')),
      cgroup: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
      hasOtherNetwork: readlinkSync(`/proc/${pid}/ns/net`) !== ownNetwork,
    };
  } catch (error) {
    // The process exited during the read, or belongs to a user without read permission.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
