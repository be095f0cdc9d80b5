import { describePeers, type Node, quorumOf, votersOf } from '@kube-rescue/node';
import type { FindObstacle } from '@kube-rescue/static-manifests';
import { awaitedOf, MEMBERS_TIMEOUT_MS } from './other-members.ts';

const INTERVAL_MS = 5_000;

type Obstacle = Awaited<ReturnType<FindObstacle>>;

/**
 * Finds that etcd waits for members that do not answer, or whose certificates have expired: the files of the first of several
 * control-plane nodes name itself alone, and only a running etcd lists the others, on its peer port. Then no wait on this node
 * brings the API server back: it is the turn of the other nodes.
 *
 * `undefined` for `timeoutMs` after that was found (default: 60 s), because other members may be starting at the same time.
 */
export function createMajorityWatch(
  node: Pick<Node, 'clock' | 'etcdPeers'>,
  timeoutMs: number = MEMBERS_TIMEOUT_MS,
): FindObstacle {
  let askedAt = Number.NEGATIVE_INFINITY;
  let since: number | undefined;
  let found: Obstacle;
  return async (signal = new AbortController().signal) => {
    const now = node.clock.now().getTime();
    if (now - askedAt >= INTERVAL_MS) {
      askedAt = now;
      found = await findWait(node, signal);
      since = found === undefined ? undefined : (since ?? now);
    }
    return found === undefined || since === undefined || now - since < timeoutMs ? undefined : found;
  };
}

async function findWait(
  { clock, etcdPeers }: Pick<Node, 'clock' | 'etcdPeers'>,
  signal: AbortSignal,
): Promise<Obstacle> {
  const peers = await etcdPeers(signal);
  if (peers === undefined) return undefined;
  const now = clock.now();
  const { members } = votersOf(peers.members, now);
  const answering = members.filter(({ answers }) => answers === true).length;
  if (members.length <= 1 || answering >= quorumOf(members.length)) return undefined;
  const reason = `this is one of ${members.length} control-plane nodes, and etcd waits for a majority: ${describePeers(peers.members, now)}`;
  const awaited = awaitedOf(members);
  return awaited.awaits === '' ? undefined : { reason, ...awaited };
}
