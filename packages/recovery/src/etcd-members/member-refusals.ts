import { countedMembers, type MemberListing, type MemberRow } from '@kube-rescue/diagnosis';
import { type MemberAction, NodeError, quorumAfter } from '@kube-rescue/node';

/** @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS` when no source lists the members */
export async function assertListed(listing: MemberListing | undefined, problem: string | null): Promise<MemberListing> {
  if (listing !== undefined) return listing;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  throw new EtcdError({
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    message: `no connection to etcd: ${problem ?? 'no credentials work'}`,
    subject: 'etcd',
    hint: 'nothing was changed; list every attempt with `kube-rescue etcd probe`',
  });
}

/**
 * The member that an operator names, by its name or its id.
 * @throws EtcdError `ETCD_MEMBER_UNKNOWN` without such a member, and for a name of several
 */
export async function findMember(given: string, { members }: MemberListing): Promise<MemberRow> {
  const found = members.filter(({ name, id }) => id === given || (name !== '' && name === given));
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  const known = members.map(({ name, id }) => (name === '' ? id : `${name} (${id})`)).join(', ');
  throw new EtcdError({
    code: 'ETCD_MEMBER_UNKNOWN',
    message:
      first === undefined
        ? `etcd has no member ${given}: it lists ${known || 'none'}`
        : `${found.length} members are named ${given}`,
    subject: given,
    hint: 'nothing was changed; give a name or an id as `kube-rescue etcd members` lists them',
  });
}

/**
 * Makes sure that a majority agrees to the change now, and that one answers after it.
 * @throws EtcdError `ETCD_NO_QUORUM`; NodeError `QUORUM_LOSS` with the sum
 */
export async function assertKeepsMajority(
  action: Extract<MemberAction['kind'], 'remove' | 'promote'>,
  { name, id }: MemberRow,
  listing: MemberListing,
): Promise<void> {
  const members = countedMembers(listing.members);
  const after = quorumAfter(members, { kind: action, member: name || id });
  const hint =
    'nothing was changed; start the members that do not answer first (`kube-rescue triage` on each control-plane node)';
  // Tolerated: nothing. Raft commits a change of the members by the majority of now, and there is none: a restore is what is left.
  if (!listing.hasQuorum) {
    const { EtcdError } = await import('@kube-rescue/etcd-access');
    throw new EtcdError({
      code: 'ETCD_NO_QUORUM',
      message: `etcd has no majority that could agree: ${after.sum}`,
      subject: 'etcd',
      hint: `${hint}; if they are lost for good, restore a snapshot (\`kube-rescue runbook restore-etcd\`)`,
    });
  }
  // Tolerated: every failure that a majority of the members after the change survives, as in the remediation of Cluster API, which
  // counts the members that it cannot reach as failed. One that is removed while others are down is refused where it is needed.
  if (after.holds) return;
  throw new NodeError({
    code: 'QUORUM_LOSS',
    message: `${after.sum}: the whole cluster would stop`,
    subject: 'etcd',
    hint,
  });
}

/**
 * Makes sure that a learner has the log of the leader. Tolerated: a learner that lags is none of the majority, so that etcd works
 * without it; with a vote it would be counted, and etcd refuses it too.
 * @throws EtcdError `ETCD_MEMBER_BEHIND`
 */
export async function assertMayPromote({ name, id, state, lag, problem }: MemberRow): Promise<void> {
  if (state === 'healthy') return;
  const { EtcdError } = await import('@kube-rescue/etcd-access');
  throw new EtcdError({
    code: 'ETCD_MEMBER_BEHIND',
    message:
      state === 'behind'
        ? `the learner is ${lag ?? 0} entries behind`
        : `the learner does not answer: ${problem ?? state}`,
    subject: name || id,
    hint: 'nothing was changed; start it, and wait until `kube-rescue etcd members` lists it without a lag',
  });
}
