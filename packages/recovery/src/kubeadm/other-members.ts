import type { Voter } from '@kube-rescue/node';

/** The members on other machines whose turn it is, for the operator. */
export interface AwaitedMembers {
  /** `cp2, cp3`. */
  readonly awaits: string;
  readonly hint: string;
}

/** How long a recovery waits for the other control-plane nodes, unless the operator says otherwise. */
export const MEMBERS_TIMEOUT_MS = 60_000;

/** What the operator does about the members that do not answer: the same recovery, on each of their nodes. Pure. */
export function awaitedOf(members: readonly Voter[]): AwaitedMembers {
  const others = members
    .filter(({ answers, isThisNode }) => answers !== true && !isThisNode)
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const nameOf = ({ name, address }: Voter): string => (address === undefined ? name : `${name} (${address})`);
  return {
    awaits: others.map(({ name }) => name).join(', '),
    hint: `run \`kube-rescue recover\` on ${others.map(nameOf).join(' and on ')}`,
  };
}
