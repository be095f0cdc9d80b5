import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from './fs-failure.ts';
import type { ProcessInfo } from '../host.ts';
import { argvOf, startTicksOf, uidOf } from '../proc-files.ts';

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

function readProcess(pid: number, ownNetwork: string): ProcessInfo | undefined {
  try {
    return {
      pid,
      uid: uidOf(readFileSync(`/proc/${pid}/status`, 'utf8')),
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
