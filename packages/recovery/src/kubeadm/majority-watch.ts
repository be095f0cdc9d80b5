import { describePeers, type Node, quorumOf } from '@kube-rescue/node';

/** Other members may be starting at the same time. */
const GRACE_MS = 60_000;
const INTERVAL_MS = 5_000;

/**
 * Finds that etcd waits for members that do not answer: the files of the first of several control-plane nodes name itself alone,
 * and only a running etcd tells the others, on its peer port. Then no wait on this node brings the API server back.
 *
 * `undefined` for the first minute after that was found, so that members that are starting are not missed.
 */
export function createMajorityWatch(
  node: Pick<Node, 'clock' | 'etcdPeers'>,
): (signal?: AbortSignal) => Promise<{ readonly reason: string; readonly hint: string } | undefined> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let since: number | undefined;
  let found: string | undefined;
  return async (signal = new AbortController().signal) => {
    const now = node.clock.now().getTime();
    if (now - askedAt >= INTERVAL_MS) {
      askedAt = now;
      found = await findWait(node, signal);
      since = found === undefined ? undefined : (since ?? now);
    }
    if (found === undefined || since === undefined || now - since < GRACE_MS) return undefined;
    const hint =
      'renew the certificates of the other members with `kube-rescue certs renew` on each of them, and start their kubelets; this node then joins them by itself';
    return { reason: found, hint };
  };
}

async function findWait({ etcdPeers }: Pick<Node, 'etcdPeers'>, signal: AbortSignal): Promise<string | undefined> {
  const peers = await etcdPeers(signal);
  const voters = peers?.members.filter(({ isLearner }) => !isLearner) ?? [];
  const answering = voters.filter(({ accepts }) => accepts).length;
  if (voters.length <= 1 || answering >= quorumOf(voters.length)) return undefined;
  return `this is one of ${voters.length} control-plane nodes, and etcd waits for a majority: ${describePeers(voters)}`;
}
