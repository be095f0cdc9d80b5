import { listVoters, type Node, NodeError } from '@kube-rescue/node';

/**
 * Makes sure that etcd, where it responds, has one voting member: the files of the first of several control-plane nodes are those of
 * a single one, and a recovery or CA rotation of one node alone would divide the cluster.
 *
 * Asks the client port, then the peer port. Does not know the members of an etcd that is not running. A learner has no vote, and does
 * not count.
 * @throws NodeError `LAYOUT_UNSUPPORTED` with the members, and the majority that etcd needs
 */
export async function assertSingleMember(node: Node, signal: AbortSignal): Promise<void> {
  const voters = await listVoters(node, signal);
  if (voters === undefined || voters.names.length <= 1) return;
  const { names, quorum } = voters;
  throw new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `etcd has ${names.length} members (${names.join(', ')}): this is one of several control-plane nodes; only a single control-plane node with its own etcd can be recovered`,
    subject: 'etcd',
    hint: `nothing was changed; renew the certificates with \`kube-rescue certs renew\` on each node, then start the kubelets one after the other: etcd needs ${quorum} of ${names.length} members; change no CA on one node alone`,
  });
}
