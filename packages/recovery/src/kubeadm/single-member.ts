import { describeVoters, listVoters, NodeError } from '@kube-rescue/node';

/** What would divide several control-plane nodes when one of them does it alone. */
const REASONS = {
  adopt: 'a certificate set is installed on all of them or on none, and this would change one alone',
  'change-ca': 'a CA is changed on all of them or on none, and this would leave the old one on the others',
  'issue-ca': 'a CA is changed on all of them or on none, and each would issue another one',
  'change-token-key':
    'every API server must verify by the same keys of service account tokens, and this would change those of one alone',
  restore: 'a restore makes a cluster of one member, and the others would be left with a cluster of their own',
} as const;

const NODE_BY_NODE = 'a recovery that changes no CA goes node by node: `kube-rescue recover` on each';
/** What to do instead, where that is another recovery. @param others names of the other members */
const HINTS: Partial<Record<keyof typeof REASONS, (others: string) => string>> = {
  restore: (others) =>
    `start the other members; where all of them are gone for good, add \`--without ${others}\` (\`kube-rescue runbook several-control-planes\`)`,
  'issue-ca': () =>
    'an expired CA is issued once, here: `kube-rescue certs reissue-cas --out DIR`; copy DIR to every control-plane node, then `kube-rescue recover --cas DIR` on each; a lost one: copy it from a node where it is whole',
};

/**
 * Makes sure that etcd has one voting member: the files of the first of several control-plane nodes are those of a single one, and
 * another CA on one node alone would divide the cluster.
 *
 * Asks the client port, then the peer port, then the flags. Does not know the members of an etcd that is not running and whose flags
 * name itself alone. A learner has no vote, and does not count.
 * @throws NodeError `LAYOUT_UNSUPPORTED` with the members, and the majority that etcd needs
 */
export async function assertSingleMember(
  node: Parameters<typeof listVoters>[0],
  signal: AbortSignal,
  reason: keyof typeof REASONS,
): Promise<void> {
  const voters = await listVoters(node, signal);
  if (voters === undefined || voters.members.length <= 1) return;
  const { members, quorum } = voters;
  const others = members.flatMap(({ name, isThisNode }) => (isThisNode ? [] : [name]));
  throw new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `this is one of ${members.length} control-plane nodes: ${REASONS[reason]} (${describeVoters(voters)})`,
    subject: 'etcd',
    hint: `nothing was changed; ${HINTS[reason]?.(others.toSorted().join(',')) ?? NODE_BY_NODE} (etcd needs ${quorum} of ${members.length} members)`,
  });
}
