import { isRecoveryError } from '@kube-rescue/errors';
import type { Node } from '../node.ts';

/** A hanging etcd must not delay a plan. */
const PROBE_TIMEOUT_MS = 700;
const TOTAL_TIMEOUT_MS = 15_000;

/** The voting members of the etcd of a node. */
export interface Voters {
  /** Their names, or ids where they have none. */
  readonly names: readonly string[];
  /** Members that must answer for a majority. */
  readonly quorum: number;
  /** etcd answers with a majority: the cluster works. */
  readonly hasQuorum: boolean;
}

/**
 * The voting members of this node's etcd, from the client port, then the peer port; `undefined` when neither tells, and on a copy.
 * A learner has no vote, and does not count.
 */
export async function listVoters(
  node: Pick<Node, 'host' | 'etcd' | 'etcdPeers'>,
  signal: AbortSignal,
): Promise<Voters | undefined> {
  if (node.host.kind === 'copy') return undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
  const voters = await ask(node, limit);
  signal.throwIfAborted();
  return voters;
}

async function ask(node: Pick<Node, 'etcd' | 'etcdPeers'>, signal: AbortSignal): Promise<Voters | undefined> {
  try {
    const { client, connection } = await node.etcd({ timeoutMs: PROBE_TIMEOUT_MS }, signal);
    try {
      return votersOf(await client.members({ signal }), connection.hasQuorum);
    } finally {
      client.close();
    }
  } catch (error) {
    if (!isRecoveryError(error) && !signal.aborted) throw error;
    const peers = signal.aborted ? undefined : await listPeers(node, signal);
    return peers && votersOf(peers.members, false);
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

function votersOf(
  members: readonly { readonly id: string; readonly name: string; readonly isLearner: boolean }[],
  hasQuorum: boolean,
): Voters {
  const names = members.filter(({ isLearner }) => !isLearner).map(({ id, name }) => name || id);
  return { names, quorum: Math.floor(names.length / 2) + 1, hasQuorum };
}
