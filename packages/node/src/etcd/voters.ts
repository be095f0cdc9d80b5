import { isRecoveryError } from '@kube-rescue/errors';
import type { Node } from '../node.ts';
import type { EtcdSearch } from './etcd-connection.ts';
import {
  type MemberSource,
  readDataMembers,
  readFlagMembers,
  readMetricsMembers,
  type SourcedMembers,
} from './member-sources.ts';
import { inspectPeers, isOwnMember, type PeerMember } from './peer-members.ts';
import { quorumOf } from './quorum-after.ts';

/** A hanging etcd must not delay a plan. */
const PROBE_TIMEOUT_MS = 700;
const TOTAL_TIMEOUT_MS = 15_000;

/** A voting member of the etcd of a node. */
export interface Voter {
  /** Its id where it has no name. */
  readonly name: string;
  readonly isThisNode: boolean;
  /** Of its first peer URL, without the port; `undefined` where the source lists none. */
  readonly address?: string | undefined;
  /** Its peer port answers this machine, with a certificate that has not expired; `undefined` when it was not asked. */
  readonly answers: boolean | undefined;
  /** It answers with an expired certificate, which the other members refuse. Default: false. */
  readonly isExpired?: boolean | undefined;
}

/** One source, and how many voting members it lists. */
export interface MemberEvidence extends Pick<SourcedMembers, 'source' | 'location'> {
  readonly voters: number;
}

/** The voting members of the etcd of a node. */
export interface Voters {
  readonly members: readonly Voter[];
  /** Members that must answer for a majority. */
  readonly quorum: number;
  /** A majority works: the client port proves it, or this member has a leader. */
  readonly hasQuorum: boolean;
  /** What lists `members`. */
  readonly source: MemberSource;
  /** Every source that was asked and lists members, that of `members` first. */
  readonly evidence: readonly MemberEvidence[];
}

type AskedNode = Pick<Node, 'host' | 'clock' | 'describe' | 'etcd' | 'etcdPeers'>;

/** A list that a source gave, with what the peer ports show where it is known. */
interface Listing extends SourcedMembers {
  readonly inspected?: readonly PeerMember[] | undefined;
  readonly hasQuorum: boolean;
}

/** A member whose peer port was asked, or not. */
type KnownMember = Omit<PeerMember, 'accepts'> & { readonly accepts: boolean | undefined };

/** When sources list as many members, the one that knows most of them. */
const BEST_FIRST: readonly MemberSource[] = ['client', 'peer', 'data', 'flags', 'metrics'];

/**
 * The voting members of this node's etcd, from every source that is left; `undefined` when none lists any. A list that a majority
 * has confirmed over the client port counts; of the others the largest, because a member that is overlooked is a cluster that is
 * divided. On a copy: its database and flags. A learner has no vote, and does not count.
 *
 * The database counts only while neither port lists members. It or a flag may name a member that was removed since; `evidence`
 * shows each source.
 * @param search for the client port. Default: what the node's files suggest
 */
export async function listVoters(
  node: AskedNode,
  signal: AbortSignal,
  search: EtcdSearch = {},
): Promise<Voters | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
  const asked = node.host.kind === 'copy' ? [] : await ask(node, search, limit);
  signal.throwIfAborted();
  // A member that runs has read its database, and knows better: etcd 3.4 leaves members of before a restore in it.
  const isListed = asked.some((listing) => listing?.source === 'client' || listing?.source === 'peer');
  const onDisk = [isListed ? undefined : await readDataMembers(node), await readFlagMembers(node)].map(withoutQuorum);
  const listings = [...asked, ...onDisk].filter((listing) => listing !== undefined);
  const chosen = choose(listings);
  if (chosen === undefined) return undefined;
  const inspected = chosen.inspected ?? (await inspect(chosen, node, limit));
  signal.throwIfAborted();
  const others = listings.filter((listing) => listing !== chosen);
  return {
    ...votersOf(inspected, node.clock.now()),
    hasQuorum: listings.some(({ hasQuorum }) => hasQuorum),
    source: chosen.source,
    evidence: [chosen, ...others].map(({ source, location, members }) => {
      return { source, location, voters: members.filter(({ isLearner }) => !isLearner).length };
    }),
  };
}

/** The source whose list counts. Pure. */
function choose(listings: readonly Listing[]): Listing | undefined {
  const confirmed = listings.find(({ source, hasQuorum }) => source === 'client' && hasQuorum);
  if (confirmed !== undefined) return confirmed;
  const votersIn = ({ members }: Listing): number => members.filter(({ isLearner }) => !isLearner).length;
  const [largest] = listings.toSorted(
    (a, b) => votersIn(b) - votersIn(a) || BEST_FIRST.indexOf(a.source) - BEST_FIRST.indexOf(b.source),
  );
  return largest;
}

/** The ports, as far as they are needed: a majority that answers over the client port knows the members. */
async function ask(
  node: AskedNode,
  search: EtcdSearch,
  signal: AbortSignal,
): Promise<readonly (Listing | undefined)[]> {
  const client = await listClient(node, search, signal);
  if (client?.hasQuorum === true || signal.aborted) return [client];
  const [peers, metrics] = await Promise.all([
    listPeers(node, signal),
    unlessAborted(() => readMetricsMembers(node, signal), signal),
  ]);
  return [client, peers, metrics && { ...metrics, hasQuorum: metrics.hasLeader }];
}

async function listClient(node: AskedNode, search: EtcdSearch, signal: AbortSignal): Promise<Listing | undefined> {
  try {
    const { client, connection } = await node.etcd({ timeoutMs: PROBE_TIMEOUT_MS, ...search }, signal);
    try {
      const members = await client.members({ signal });
      const inspected = await inspectPeers(members, await node.describe(), node, signal);
      return { source: 'client', location: connection.endpoint, members, inspected, hasQuorum: connection.hasQuorum };
    } finally {
      client.close();
    }
  } catch (error) {
    if (!isRecoveryError(error) && !signal.aborted) throw error;
    return undefined;
  }
}

async function listPeers(node: AskedNode, signal: AbortSignal): Promise<Listing | undefined> {
  const peers = await unlessAborted(() => node.etcdPeers(signal), signal);
  if (peers === undefined) return undefined;
  const { url, members } = peers;
  return { source: 'peer', location: url, members, inspected: members, hasQuorum: false };
}

/** The peer ports that a list names; a list without URLs tells names alone. */
async function inspect({ members }: Listing, node: AskedNode, signal: AbortSignal): Promise<readonly KnownMember[]> {
  const description = await node.describe();
  const isAskable =
    node.host.kind === 'live' && members.length > 1 && members.every(({ peerUrls }) => peerUrls.length > 0);
  const inspected = isAskable
    ? await unlessAborted(() => inspectPeers(members, description, node, signal), signal)
    : undefined;
  return (
    inspected ??
    members.map((member) => {
      return { ...member, isThisNode: isOwnMember(member, description), accepts: undefined, validTo: null, lacks: [] };
    })
  );
}

/** A port that does not respond in time tells nothing. */
async function unlessAborted<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (signal.aborted || isRecoveryError(error)) return undefined;
    throw error;
  }
}

function withoutQuorum(listing: SourcedMembers | undefined): Listing | undefined {
  return listing && { ...listing, hasQuorum: false };
}

/** Of listed members, those that vote. Pure. */
export function votersOf(members: readonly KnownMember[], now: Date): Pick<Voters, 'members' | 'quorum'> {
  const voters = members
    .filter(({ isLearner }) => !isLearner)
    .map(({ id, name, isThisNode, accepts, peerUrls, validTo }): Voter => {
      const [url = ''] = peerUrls;
      const address = URL.canParse(url) ? new URL(url).hostname : undefined;
      const isExpired = accepts === true && validTo !== null && now > new Date(validTo);
      return { name: name || id, isThisNode, address, answers: isExpired ? false : accepts, isExpired };
    });
  return { members: voters, quorum: quorumOf(voters.length) };
}
