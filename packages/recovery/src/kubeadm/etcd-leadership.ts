import { isRecoveryError } from '@kube-rescue/errors';
import type { Node } from '@kube-rescue/node';

const TIMEOUT_MS = 3_000;
/** All of it together must not delay a restart. */
const TOTAL_TIMEOUT_MS = 10_000;

/**
 * Moves the leadership of etcd from this node's member to the voter that has the longest log, where this member leads. An etcd that ends
 * hands over by itself, but writes that other members have sent it at that moment are lost: their clients wait for 7 s.
 *
 * Throws only what is not an error of this program: without an answer of etcd, or another voter that follows, nothing is moved.
 * @returns the name of the new leader; `undefined` where nothing was moved
 */
export async function moveEtcdLeader(node: Pick<Node, 'etcd'>): Promise<string | undefined> {
  const signal = AbortSignal.timeout(TOTAL_TIMEOUT_MS);
  try {
    const { client, connection } = await node.etcd({ timeoutMs: TIMEOUT_MS }, signal);
    try {
      const { endpoint } = connection;
      const own = await client.status(endpoint, { signal });
      if (own.leader !== own.id) return undefined;
      const others = (await client.members({ signal })).filter(({ id, isLearner }) => id !== own.id && !isLearner);
      const logs = await Promise.all(
        others.map(async ({ id, name, clientUrls: [url = ''] }) => {
          const status = await client.status(url, { signal }).catch(() => undefined);
          return { id, name, follows: status?.leader === own.id, index: status?.raftIndex ?? 0n };
        }),
      );
      const [target] = logs.filter(({ follows }) => follows).toSorted((a, b) => Number(b.index - a.index));
      if (target === undefined) return undefined;
      await client.moveLeader(endpoint, target.id, { signal });
      return target.name;
    } finally {
      client.close();
    }
  } catch (error) {
    if (!isRecoveryError(error) && !signal.aborted) throw error;
    return undefined;
  }
}
