import { NodeError } from '../errors.ts';
import type { PeerMember } from './peer-members.ts';
import { type MemberAction, type Quorum, quorumAfter } from './quorum-after.ts';
import { listVoters, type MemberEvidence, type Voter, type Voters, votersOf } from './voters.ts';

/** What is said of voters. */
type Described = Pick<Voters, 'members' | 'quorum' | 'hasQuorum' | 'evidence'>;

/**
 * The members and their sum: `2 of 3 members of etcd answer, 2 are needed: cp1 (this node), cp2; no answer from cp3`. Sources that
 * disagree are named. Pure.
 */
export function describeVoters({ members, quorum, hasQuorum, evidence }: Described): string {
  const nameOf = ({ name, isThisNode }: Voter): string => (isThisNode ? `${name} (this node)` : name);
  const total = members.length;
  // A list that a majority confirms over the client port is certain, whatever an old file names.
  const isCertain = hasQuorum && evidence[0]?.source === 'client';
  const sources = isCertain ? '' : describeDisagreement(evidence);
  if (members.every(({ answers }) => answers === undefined)) {
    const names = members.map(nameOf).join(', ');
    const [source] = evidence;
    const by = source === undefined ? 'its files' : nameSource(source);
    return `etcd does not answer, and ${by} names ${total} members, of which ${quorum} are needed: ${names}${sources}`;
  }
  const answering = members.filter(({ answers }) => answers === true);
  const expired = members.filter(({ isExpired }) => isExpired === true);
  const silent = members.filter(({ answers, isExpired }) => answers !== true && isExpired !== true);
  const parts = [
    ...(answering.length === 0 ? [] : [answering.map(nameOf).join(', ')]),
    ...(expired.length === 0 ? [] : [`expired peer certificate of ${expired.map(nameOf).join(', ')}`]),
    ...(silent.length === 0 ? [] : [`no answer from ${silent.map(nameOf).join(', ')}`]),
  ];
  const verb = answering.length === 1 ? 'answers' : 'answer';
  return `${answering.length} of ${total} members of etcd ${verb}, ${quorum} are needed: ${parts.join('; ')}${sources}`;
}

/** kubeadm never updates `--initial-cluster`: on the first of several nodes it names that node alone. */
function describeDisagreement(evidence: readonly MemberEvidence[]): string {
  const counts = new Set(evidence.map(({ voters }) => voters));
  if (counts.size <= 1) return '';
  return `; the sources disagree, the first counts: ${evidence.map((each) => `${nameSource(each)} (${each.voters})`).join(', ')}`;
}

/** `the client port https://10.0.0.1:2379`. Pure. */
export function nameSource({ source, location }: MemberEvidence): string {
  const names: Readonly<Record<MemberEvidence['source'], string>> = {
    client: 'the client port',
    peer: 'the peer port',
    metrics: 'the metrics port',
    data: 'the database',
    flags: 'its flag',
  };
  return `${names[source]} ${location}`;
}

/** As {@link describeVoters}, for the members that the peer port lists. Pure. */
export function describePeers(members: readonly PeerMember[], now: Date): string {
  return describeVoters({ ...votersOf(members, now), hasQuorum: false, evidence: [] });
}

/** The sum after an action on the member of this node, as far as its peers answer. Pure. */
export function quorumWithout({ members }: Pick<Voters, 'members'>, kind: MemberAction['kind']): Quorum {
  const own = members.find(({ isThisNode }) => isThisNode)?.name ?? 'this member';
  const counted = members.map(({ name, answers }) => {
    return { name, state: answers === true ? ('healthy' as const) : ('unreachable' as const) };
  });
  return quorumAfter(counted, { kind, member: own });
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
  if (voters === undefined || voters.members.length <= 1) return;
  const isServing = voters.evidence.some(({ source }) => source === 'client');
  if (!voters.hasQuorum && !isServing) return;
  const after = quorumWithout(voters, 'restart');
  if (after.holds) return;
  const sum = describeVoters(voters);
  // Tolerated: nothing. This member is one of exactly the majority, so that its stop alone stops the cluster.
  if (voters.hasQuorum) {
    throw new NodeError({
      code: 'QUORUM_LOSS',
      message: `${after.sum}: the whole cluster would stop (${sum})`,
      subject: 'etcd',
      hint: 'nothing was changed; start the other members first (`kube-rescue triage` on each control-plane node)',
    });
  }
  // Tolerated: nothing more. The majority is lost already; what is protected is the data that this member still serves.
  throw new NodeError({
    code: 'QUORUM_LOSS',
    message: `etcd has no majority (${sum}): this member still serves its data, and would not after a restart`,
    subject: 'etcd',
    hint: 'nothing was changed; take a snapshot first (`kube-rescue etcd snapshot FILE`), then start the other members',
  });
}
