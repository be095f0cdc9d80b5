import { countedMembers, listMembers, type MemberListing, type MemberRow } from '@kube-rescue/diagnosis';
import { type EtcdSearch, type MemberAction, type Node, quorumAfter, toRecordedSearch } from '@kube-rescue/node';
import type { Change, Finding, Playbook, Step, Verdict } from '@kube-rescue/workflow';
import { assertKeepsMajority, assertListed, assertMayPromote, findMember } from './member-refusals.ts';

/** What happens to which member. */
export interface MemberChangeInput {
  readonly action: Extract<MemberAction['kind'], 'remove' | 'promote'>;
  /** Name or id. */
  readonly member: string;
  readonly search: EtcdSearch;
  /** Receives the name of the member once it is found, its id where it has none. Default: it is not reported. */
  readonly onFound?: ((name: string) => void) | undefined;
}

interface MemberFinding extends Finding {
  readonly changes: readonly Change[];
}

/** An election, and the first heartbeat after it. */
const SETTLE_TIMEOUT_MS = 15_000;
const INTERVAL_MS = 500;
const TITLES = { remove: 'remove a member of etcd', promote: 'promote a learner of etcd' } as const;

/**
 * Removes a member of etcd for good, or gives a learner its vote: once, through another member, and only where the members that
 * remain are a majority that answers. Neither can be rolled back.
 *
 * Stops nothing on the node of a removed member: its etcd ends by itself, and its API server has none any more.
 * Its phase throws before anything is written: EtcdError `ETCD_MEMBER_UNKNOWN` `ETCD_MEMBER_BEHIND` `ETCD_NO_QUORUM`; NodeError
 * `QUORUM_LOSS` `NODE_NOT_LIVE`.
 */
export function createMemberPlaybook(opened: Node, input: MemberChangeInput): Playbook {
  const phase = opened.phase({
    id: 'members',
    title: 'Members of etcd',
    steps: (node) => [createMemberStep(node, input)],
  });
  return { id: `etcd-member-${input.action}`, title: TITLES[input.action], phases: [phase] };
}

function createMemberStep(
  node: Node,
  { action, member: name, search, onFound }: MemberChangeInput,
): Step<MemberFinding> {
  /** Found once: after a removal no list has its id. */
  let id: string | undefined;
  /** From then on another member is asked: one that is removed lists itself for ever. */
  let asked = search;
  const read = async (signal: AbortSignal): Promise<MemberListing> => {
    const { report, listing } = await listMembers(node, asked, signal);
    return assertListed(listing, report.problem);
  };
  const judge = (listing: MemberListing): Verdict => {
    const found = listing.members.find((each) => each.id === id);
    const isDone = action === 'remove' ? found === undefined : found?.isLearner === false;
    if (!listing.hasQuorum) return { verified: false, reason: 'etcd has no majority' };
    if (!isDone) return { verified: false, reason: `etcd still lists ${name} as before` };
    const { voters, answering, needed, tolerates } = listing;
    const sum = `${voters} voting members, ${answering} answer, ${needed} needed: ${tolerates} more may fail`;
    return { verified: true, evidence: [sum] };
  };
  return {
    id: `etcd/members/${action}`,
    title: `${TITLES[action]}: ${name}`,
    requires: [],
    reversible: 'no',
    check: async (signal) => {
      const listing = await read(signal);
      const found = await findMember(name, listing);
      id = found.id;
      onFound?.(found.name || found.id);
      if (action === 'promote' && !found.isLearner) {
        return { status: 'ok', summary: `${name} has a vote already`, evidence: [], changes: [] };
      }
      await assertKeepsMajority(action, found, listing);
      if (action === 'promote') await assertMayPromote(found);
      const label = found.name || found.id;
      const after = quorumAfter(countedMembers(listing.members), { kind: action, member: label });
      const endpoint = endpointBeside(found, listing.members);
      asked = { ...search, endpoint };
      const target = { target: found.id, name: found.name, endpoint };
      return {
        status: 'needed',
        summary: `${after.sum}; ${after.tolerates} more may fail then`,
        evidence: consequences(action, found),
        changes: [{ kind: `etcd.member-${action}`, ...target, search: toRecordedSearch(asked) }],
      };
    },
    plan: ({ changes }) => changes,
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: async (signal, waitingFor) => {
      const start = node.clock.now().getTime();
      for (;;) {
        const verdict = judge(await read(signal));
        if (verdict.verified || node.clock.now().getTime() - start >= SETTLE_TIMEOUT_MS) return verdict;
        waitingFor?.(verdict.reason);
        await node.clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}

/** A member that is removed ends while it answers. */
function endpointBeside({ id }: MemberRow, members: readonly MemberRow[]): string {
  const others = members.filter((member) => member.id !== id && !member.isLearner && member.state === 'healthy');
  return (others.find(({ isLeader }) => isLeader) ?? others[0])?.endpoint ?? '';
}

function consequences(
  action: MemberChangeInput['action'],
  { isThisNode, state, isLearner }: MemberRow,
): readonly string[] {
  if (action === 'promote') return ['a vote stays: only the removal of the member ends it'];
  return [
    'a removal cannot be undone: the node can only join again as a new member',
    ...(isThisNode
      ? ["it is this node's own member: its etcd ends, and the API server of this node loses its data"]
      : []),
    ...(state === 'healthy' && !isLearner
      ? ['it still works: its API server, which uses 127.0.0.1, stops working']
      : []),
  ];
}
