import { NodeError } from '../errors.ts';
import type { PeerMember } from './peer-members.ts';
import { listVoters, type Voter, type Voters, votersOf } from './voters.ts';

/** Whether enough voting members answer once some of them have stopped. Pure. */
export function quorumAfter(
  { members, quorum }: Pick<Voters, 'members' | 'quorum'>,
  stops: (voter: Voter) => boolean,
): { readonly answering: number; readonly holds: boolean } {
  const answering = members.filter((voter) => voter.answers === true && !stops(voter)).length;
  return { answering, holds: answering >= quorum };
}

/** The members and their sum: `2 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2; no answer from cp3`. Pure. */
export function describeVoters({ members, quorum, source }: Voters): string {
  const nameOf = ({ name, isThisNode }: Voter): string => (isThisNode ? `${name} (this node)` : name);
  const total = members.length;
  if (source === 'flags') {
    const names = members.map(nameOf).join(', ');
    return `etcd does not answer, and its flags name ${total} members, of which ${quorum} are needed: ${names}`;
  }
  const answering = members.filter(({ answers }) => answers === true);
  const silent = members.filter(({ answers }) => answers !== true);
  const parts = [
    ...(answering.length === 0 ? [] : [answering.map(nameOf).join(', ')]),
    ...(silent.length === 0 ? [] : [`no answer from ${silent.map(nameOf).join(', ')}`]),
  ];
  const verb = answering.length === 1 ? 'answers' : 'answer';
  return `${answering.length} of ${total} members of etcd ${verb}, ${quorum} are needed: ${parts.join('; ')}`;
}

/** As {@link describeVoters}, for the members that the peer port lists. Pure. */
export function describePeers(members: readonly PeerMember[]): string {
  return describeVoters(votersOf(members, { hasQuorum: false, source: 'peer' }));
}

/**
 * Makes sure that the etcd of this node may stop for a while: the members that remain are a majority, or nothing is lost, because
 * etcd has one member or waits for a majority anyway.
 *
 * A member that answers without a majority is refused as well: it still serves its data, and would not after a restart (etcd,
 * `server/embed/etcd.go`). Does not know the members of an etcd that does not respond.
 * @throws NodeError `QUORUM_LOSS` with the sum
 */
export async function assertKeepsQuorum(
  node: Parameters<typeof listVoters>[0],
  signal: AbortSignal,
  given?: Voters,
): Promise<void> {
  const voters = given ?? (await listVoters(node, signal));
  if (voters === undefined || voters.members.length <= 1 || voters.source !== 'client') return;
  const { answering, holds } = quorumAfter(voters, ({ isThisNode }) => isThisNode);
  if (holds) return;
  const total = voters.members.length;
  const sum = describeVoters(voters);
  if (voters.hasQuorum) {
    throw new NodeError({
      code: 'QUORUM_LOSS',
      message: `without this member ${answering} of ${total} members would answer, ${voters.quorum} are needed: the whole cluster would stop (${sum})`,
      subject: 'etcd',
      hint: 'nothing was changed; start the other members first (`kube-rescue triage` on each control-plane node)',
    });
  }
  throw new NodeError({
    code: 'QUORUM_LOSS',
    message: `etcd has no majority (${sum}): this member still serves its data, and would not after a restart`,
    subject: 'etcd',
    hint: 'nothing was changed; take a snapshot first (`kube-rescue etcd snapshot FILE`), then start the other members',
  });
}
