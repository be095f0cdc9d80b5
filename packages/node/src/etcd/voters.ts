import { isRecoveryError } from '@kube-rescue/errors';
import { findFlag } from '@kube-rescue/node-config';
import type { Node } from '../node.ts';
import { inspectPeers, type PeerMember } from './peer-members.ts';

/** A hanging etcd must not delay a plan. */
const PROBE_TIMEOUT_MS = 700;
const TOTAL_TIMEOUT_MS = 15_000;

/** A voting member of the etcd of a node. */
export interface Voter {
  /** Its id where it has no name. */
  readonly name: string;
  readonly isThisNode: boolean;
  /** Its peer port answers this machine; `undefined` when it was not asked. */
  readonly answers: boolean | undefined;
}

/** The voting members of the etcd of a node. */
export interface Voters {
  readonly members: readonly Voter[];
  /** Members that must answer for a majority. */
  readonly quorum: number;
  /** etcd answers with a majority: the cluster works. */
  readonly hasQuorum: boolean;
  /**
   * What told the members: the client port; the peer port, which answers alone while etcd waits for a majority; or the flags of an
   * etcd that does not answer, which may be outdated.
   */
  readonly source: 'client' | 'peer' | 'flags';
}

type AskedNode = Pick<Node, 'host' | 'clock' | 'describe' | 'etcd' | 'etcdPeers'>;

/**
 * The voting members of this node's etcd, from the client port, then the peer port, then several members in the flags; `undefined`
 * when none tells. On a copy: the flags alone. A learner has no vote, and does not count.
 */
export async function listVoters(node: AskedNode, signal: AbortSignal): Promise<Voters | undefined> {
  if (node.host.kind === 'copy') return votersInFlags(node);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
  const voters = await ask(node, limit);
  signal.throwIfAborted();
  return voters ?? votersInFlags(node);
}

async function ask(node: AskedNode, signal: AbortSignal): Promise<Voters | undefined> {
  try {
    const { client, connection } = await node.etcd({ timeoutMs: PROBE_TIMEOUT_MS }, signal);
    try {
      const listed = await client.members({ signal });
      const members = await inspectPeers(listed, await node.describe(), node, signal);
      return votersOf(members, { hasQuorum: connection.hasQuorum, source: 'client' });
    } finally {
      client.close();
    }
  } catch (error) {
    if (!isRecoveryError(error) && !signal.aborted) throw error;
    const peers = signal.aborted ? undefined : await listPeers(node, signal);
    return peers && votersOf(peers.members, { hasQuorum: false, source: 'peer' });
  }
}

/** A peer port that does not respond in time tells nothing. */
async function listPeers(
  node: Pick<Node, 'etcdPeers'>,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<Node['etcdPeers']>>> {
  try {
    return await node.etcdPeers(signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Of listed members, those that vote. Pure. */
export function votersOf(members: readonly PeerMember[], rest: Pick<Voters, 'hasQuorum' | 'source'>): Voters {
  const voters = members
    .filter(({ isLearner }) => !isLearner)
    .map(({ id, name, isThisNode, accepts }) => ({ name: name || id, isThisNode, answers: accepts }));
  return { members: voters, quorum: quorumOf(voters.length), ...rest };
}

/** kubeadm writes the members of the time of the join; the first node's flags name itself alone, which says nothing. */
async function votersInFlags({ describe }: Pick<Node, 'describe'>): Promise<Voters | undefined> {
  try {
    const { components } = await describe();
    const valueOf = (flag: string): string => findFlag(components, { component: 'etcd', flag }) ?? '';
    const names = valueOf('initial-cluster')
      .split(',')
      .map((entry) => entry.split('=')[0]?.trim() ?? '')
      .filter((name) => name !== '');
    if (names.length <= 1) return undefined;
    const members = names.map((name) => ({ name, isThisNode: name === valueOf('name'), answers: undefined }));
    return { members, quorum: quorumOf(members.length), hasQuorum: false, source: 'flags' };
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** Voting members that are a majority of so many. */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
