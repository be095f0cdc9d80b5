import {
  type ControlPlaneNodes,
  type CountedMember,
  type EtcdSearch,
  isOwnMember,
  listVoters,
  type MemberEvidence,
  type Node,
  type NodeDescription,
  quorumAfter,
  readControlPlaneNodes,
  type Voters,
} from '@kube-rescue/node';
import { type EtcdClusterRow, type EtcdMemberRow, type EtcdReport, inspectEtcd } from './etcd-status.ts';

/** One member of etcd, with what each port shows of it. */
export interface MemberRow extends EtcdMemberRow {
  /** By its name or its peer URL in the flags of this node's etcd. */
  readonly isThisNode: boolean;
  /** Whether it counts towards a majority: see `CountedMember`. */
  readonly state: CountedMember['state'];
  /** Its peer port answers this machine; `null` when it was not asked. */
  readonly peerAnswers: boolean | null;
  /** Revisions that its database lacks, compared with the newest; `null` when it does not answer. */
  readonly revisionsBehind: number | null;
}

/** The members of etcd, from every source that is left. */
export interface MemberListing {
  readonly hasQuorum: boolean;
  /** Voting members, those that a majority needs, those that answer, and how many of these may fail. */
  readonly voters: number;
  readonly needed: number;
  readonly answering: number;
  readonly tolerates: number;
  /** Every source that lists members, that of `members` first. */
  readonly evidence: readonly MemberEvidence[];
  /** Control-plane nodes by the objects in etcd; `null` where these cannot be read. None of them counts as a member. */
  readonly controlPlanes: ControlPlaneNodes | null;
  /** Of these, the nodes of which etcd lists no member: they use another etcd, never joined this one, or are gone. */
  readonly nodesWithoutMember: readonly string[];
  readonly members: readonly MemberRow[];
}

/**
 * Lists the members of this node's etcd: from the client port with the state of each; where that does not answer, from the peer
 * port; else from the database on the disk or the flags. `undefined` when nothing lists any. Changes nothing.
 *
 * Without a connection, a member whose peer port answers counts as one that answers: whether it can work is not known.
 * @throws NodeError `NODE_NOT_FOUND` `NODE_NOT_LIVE`
 */
export async function listMembers(
  node: Node,
  search: EtcdSearch,
  signal: AbortSignal,
): Promise<{ readonly report: EtcdReport; readonly listing: MemberListing | undefined }> {
  const report = await inspectEtcd(node, search, signal);
  const voters = await listVoters(node, signal, search);
  const rows = membersOf(report, voters, await node.describe());
  if (rows.length === 0) return { report, listing: undefined };
  const { hasQuorum: _counted, ...sum } = sumOf(rows);
  const hasQuorum = report.cluster?.hasQuorum ?? voters?.hasQuorum ?? false;
  const controlPlanes =
    report.connection === null ? null : ((await readControlPlaneNodes(node, search, signal)) ?? null);
  const named = [...new Set([...(controlPlanes?.nodes ?? []), ...(controlPlanes?.clusterStatus ?? [])])];
  // kubeadm names the member as its node.
  const nodesWithoutMember = named.filter((name) => rows.every((member) => member.name !== name)).toSorted();
  const evidence = voters?.evidence ?? [];
  return { report, listing: { hasQuorum, ...sum, evidence, controlPlanes, nodesWithoutMember, members: rows } };
}

/** The members as the arithmetic of a majority needs them. Pure. */
export function countedMembers(members: readonly MemberRow[]): readonly CountedMember[] {
  return members.map(({ name, id, isLearner, state }) => ({ name: name || id, isLearner, state }));
}

function sumOf(members: readonly MemberRow[]) {
  const { voters, needed, answering, tolerates, holds } = quorumAfter(countedMembers(members));
  return { voters, needed, answering, tolerates, hasQuorum: holds };
}

function membersOf(
  { cluster, peers }: EtcdReport,
  voters: Voters | undefined,
  description: NodeDescription,
): readonly MemberRow[] {
  if (cluster !== null) {
    const newest = Math.max(0, ...cluster.members.map(({ revision }) => revision ?? 0));
    return cluster.members.map((member) => {
      const peer = peers?.members.find(({ id }) => id === member.id);
      return {
        ...member,
        isThisNode: isOwnMember(member, description),
        state: stateOf(member, cluster),
        peerAnswers: peer?.accepts ?? null,
        revisionsBehind: member.revision === null ? null : newest - member.revision,
      };
    });
  }
  if (peers !== null) {
    return peers.members.map(({ id, name, isLearner, peerUrls, clientUrls, isThisNode, accepts, lacks }) => ({
      ...withoutStatus({ id, name, isThisNode, answers: accepts, problem: lacks.join('; ') || null }),
      ...{ isLearner, peerUrls, clientUrls },
    }));
  }
  return (voters?.members ?? []).map(({ name, isThisNode, answers }) =>
    withoutStatus({ id: '', name, isThisNode, answers, problem: null }),
  );
}

function stateOf({ answers, isBehind, id }: EtcdMemberRow, { alarms }: EtcdClusterRow): CountedMember['state'] {
  if (!answers) return 'unreachable';
  if (alarms.some(({ member }) => member === id)) return 'unhealthy';
  return isBehind ? 'behind' : 'healthy';
}

/** A member that no client port describes. */
function withoutStatus(known: {
  readonly id: string;
  readonly name: string;
  readonly isThisNode: boolean;
  readonly answers: boolean | undefined;
  readonly problem: string | null;
}): MemberRow {
  const { id, name, isThisNode, answers, problem } = known;
  return {
    ...{ id, name, isThisNode, endpoint: null, answers: false, problem },
    ...{ isLeader: false, isLearner: false, isBehind: false, isUnstarted: false, peerUrls: [], clientUrls: [] },
    ...{ lag: null, version: null, raftTerm: null, raftIndex: null, raftAppliedIndex: null, revision: null },
    ...{ dbSize: null, dbSizeInUse: null, revisionsBehind: null, peerAnswers: answers ?? null },
    state: answers === true ? 'healthy' : 'unreachable',
  };
}
