import type { ProcessInfo } from '@kube-rescue/host';
import { parsePodCgroup } from './pod-cgroup.ts';

const SET_ID = 0o6000;
const WRITABLE_BY_OTHERS = 0o022;
/** systemd puts what a user starts below these, and lets the user name cgroups there: systemd.resource-control(5). */
const USER_CGROUP = /\/(?:user-(?!0\.slice)(\d+)\.slice|user@(?!0\.service)(\d+)\.service)(?:\/|$)/m;

/**
 * Whether a process is trusted as a source of configuration: root started it, from a program of root's, in the network
 * namespace of the node, and neither in a pod nor in the session of another user.
 *
 * Every local user can start a process with any name and any arguments, and root would read, renew and write the files that
 * they name. Does not prove that the program is the one that its name claims; an attacker with root needs no such trick.
 */
export function isNodeService(process: ProcessInfo): boolean {
  return process.hasOtherNetwork !== true && whyUntrusted(process) === undefined;
}

/**
 * The reason why a process is not believed, or `undefined`. Unknown properties do not count.
 *
 * The real user ID counts as the effective one does: the user who starts a set-user-ID program chooses its arguments, and a
 * program such as `sudo` becomes root in both.
 */
export function whyUntrusted({ uid, effectiveUid, program, cgroup }: ProcessInfo): string | undefined {
  for (const user of [uid, effectiveUid]) if (user !== undefined && user !== 0) return `user ${user} runs it`;
  if (program === 'unreadable') return 'its program is unreadable';
  if (program !== undefined) {
    if (program.uid !== 0) return `user ${program.uid} owns its program`;
    if ((program.mode & SET_ID) !== 0) return 'its program is set-user-ID, so that any user can start it';
    if ((program.mode & WRITABLE_BY_OTHERS) !== 0) return 'users other than root can write its program';
  }
  const session = USER_CGROUP.exec(cgroup);
  if (session !== null) return `it runs in a session of user ${session[1] ?? session[2]}`;
  return parsePodCgroup(cgroup) === undefined ? undefined : 'it runs in a pod';
}
