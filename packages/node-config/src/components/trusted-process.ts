import type { ProcessInfo } from '@kube-rescue/host';

/**
 * Whether a process is trusted as a source of configuration: root started it, in the network namespace of the node.
 *
 * Every local user can start a process under any name and with any arguments, and what it names would be read, renewed and
 * written by root. The real user ID counts: whoever starts a set-user-ID program chooses its arguments. Does not prove that
 * the program is the one whose name it bears; whoever is root already needs no trick.
 */
export function isNodeService({ uid, hasOtherNetwork }: ProcessInfo): boolean {
  return (uid === undefined || uid === 0) && hasOtherNetwork !== true;
}
