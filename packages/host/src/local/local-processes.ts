import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from './fs-failure.ts';
import type { ProcessInfo } from '../host.ts';

/** Of the fields after the command name in /proc/PID/stat, `starttime`: field 22 of proc_pid_stat(5). */
const START_TIME_AFTER_NAME = 22 - 3;

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

function argvOf(cmdline: string): readonly string[] {
  if (cmdline === '') return [];
  return (cmdline.endsWith('\0') ? cmdline.slice(0, -1) : cmdline).split('\0');
}

/**
 * The real one, which comes first (proc_pid_status(5)): a set-user-ID program has the effective ID of its owner, and whoever
 * starts it chooses its arguments.
 */
function uidOf(status: string): number {
  return Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}

/** Counts from the last parenthesis: the command name before it may hold blanks and parentheses of its own. */
function startTicksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[START_TIME_AFTER_NAME]);
}
