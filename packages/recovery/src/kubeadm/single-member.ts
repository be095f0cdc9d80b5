import { isRecoveryError } from '@kube-rescue/errors';
import { type Node, NodeError } from '@kube-rescue/node';

/** A hanging etcd must not delay a plan. */
const PROBE_TIMEOUT_MS = 700;
const TOTAL_TIMEOUT_MS = 15_000;

/**
 * Makes sure that etcd, where it responds, has one voting member: the files of the first of several control-plane nodes are those of
 * a single one, and a recovery or CA rotation of one node alone would divide the cluster.
 *
 * Asks the client port, then the peer port. Does not know the members of an etcd that is not running. A learner has no vote, and does
 * not count.
 * @throws NodeError `LAYOUT_UNSUPPORTED` with the members, and the majority that etcd needs
 */
export async function assertSingleMember(node: Node, signal: AbortSignal): Promise<void> {
  if (node.host.kind === 'copy') return;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
  const names = await listVoters(node, limit);
  signal.throwIfAborted();
  if (names === undefined || names.length <= 1) return;
  const quorum = Math.floor(names.length / 2) + 1;
  throw new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `etcd has ${names.length} members (${names.join(', ')}): this is one of several control-plane nodes; only a single control-plane node with its own etcd can be recovered`,
    subject: 'etcd',
    hint: `nothing was changed; renew the certificates with \`kube-rescue certs renew\` on each node, then start the kubelets one after the other: etcd needs ${quorum} of ${names.length} members; change no CA on one node alone`,
  });
}

async function listVoters(node: Node, signal: AbortSignal): Promise<readonly string[] | undefined> {
  try {
    const { client } = await node.etcd({ timeoutMs: PROBE_TIMEOUT_MS }, signal);
    try {
      const members = await client.members({ signal });
      return members.filter(({ isLearner }) => !isLearner).map(({ id, name }) => name || id);
    } finally {
      client.close();
    }
  } catch (error) {
    if (!isRecoveryError(error) && !signal.aborted) throw error;
    const peers = signal.aborted ? undefined : await listPeers(node, signal);
    return peers?.members.filter(({ isLearner }) => !isLearner).map(({ id, name }) => name || id);
  }
}

/** A peer port that does not respond in time tells nothing. */
async function listPeers(node: Node, signal: AbortSignal): Promise<Awaited<ReturnType<Node['etcdPeers']>>> {
  try {
    return await node.etcdPeers(signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
