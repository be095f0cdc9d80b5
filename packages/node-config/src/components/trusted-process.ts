import type { ProcessInfo } from '@kube-rescue/host';

/**
 * Whether a process is trusted as a source of configuration: root started it, in the network namespace of the node.
 *
 * Every local user can start a process with any name and any arguments, and root would read, renew and write the files that
 * they name. The real user ID counts: the user who starts a set-user-ID program chooses its arguments. Does not prove that
 * the program is the one that its name claims; an attacker with root needs no such trick.
 */
export function isNodeService({ uid, hasOtherNetwork }: ProcessInfo): boolean {
  return (uid === undefined || uid === 0) && hasOtherNetwork !== true;
}
