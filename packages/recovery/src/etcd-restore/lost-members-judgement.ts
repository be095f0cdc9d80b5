import type { EtcdErrorCode } from '@kube-rescue/etcd-access';
import type { Voter } from '@kube-rescue/node';

/** The members of etcd before a restore of one of them. */
export interface KnownMembers {
  readonly members: readonly Voter[];
  /** A majority works. */
  readonly hasQuorum: boolean;
  /** The members and their sum, in words. */
  readonly sum: string;
  /** URL of an API server of this cluster that is ready; `undefined` when none answers. */
  readonly readyApi: string | undefined;
}

/** Why a restore without the named members would lose or divide something. */
export interface LostMembersRefusal {
  readonly code: Extract<EtcdErrorCode, 'ETCD_RESTORE_REFUSED' | 'ETCD_MEMBER_UNKNOWN'>;
  readonly message: string;
  readonly subject: string;
  readonly hint: string;
}

/**
 * Whether this member may become a cluster of its own, because every other one is gone for good. The first reason against it;
 * `undefined` without one. Pure.
 *
 * Tolerated: members that do not answer and that the operator names, all of them. Nothing here proves that they are off: a member
 * behind a broken network is as silent.
 * @param without names of the members that are gone for good
 */
export function judgeLostMembers(
  { members, hasQuorum, sum, readyApi }: KnownMembers,
  without: readonly string[],
): LostMembersRefusal | undefined {
  const refused = (message: string, hint: string, subject = 'etcd'): LostMembersRefusal => {
    return { code: 'ETCD_RESTORE_REFUSED', message, subject, hint };
  };
  const others = members.filter(({ isThisNode }) => !isThisNode);
  const all = `--without ${namesOf(others)}`;
  const isNamed = ({ name }: Voter): boolean => without.includes(name);
  // Tolerated: nothing. A majority has every write, and goes on.
  if (hasQuorum) {
    const hint = 'remove a member that is lost: `kube-rescue etcd members remove NAME`';
    return refused(`a majority of etcd works, and a restore would divide the cluster (${sum})`, hint);
  }
  const unknown = without.find((name) => members.every((each) => each.name !== name));
  if (unknown !== undefined) {
    const message = `etcd has no member ${unknown}: it has ${namesOf(members) || 'none'}`;
    const hint = 'give the names that `kube-rescue etcd members` lists';
    return { code: 'ETCD_MEMBER_UNKNOWN', message, subject: unknown, hint };
  }
  const own = members.find((member) => member.isThisNode && isNamed(member));
  if (own !== undefined) {
    return refused(
      `${own.name} is this node, whose etcd would be restored`,
      `name the other members: ${all}`,
      own.name,
    );
  }
  // Tolerated: nothing. One that answers can come to a majority with another one, and writes then.
  const answering = others.filter(({ answers, isExpired }) => answers === true || isExpired === true);
  if (answering.length > 0) {
    const names = namesOf(answering);
    const message = `${names} still ${answering.length === 1 ? 'answers' : 'answer'}, and would go on beside the restored cluster (${sum})`;
    const hint = `start the other members until a majority works; if they are lost, power off ${names} for good first, then pass ${all}`;
    return refused(message, hint, names);
  }
  const left = others.filter((member) => !isNamed(member));
  if (left.length > 0) {
    const names = namesOf(left);
    const hint = `start ${names}; if all others are gone for good, name all of them: ${all}`;
    return refused(`${names} is not named, and could come back with a cluster of its own (${sum})`, hint, names);
  }
  const unasked = others.filter(({ answers }) => answers === undefined);
  if (unasked.length > 0) {
    const names = namesOf(unasked);
    const hint =
      'start the etcd of this node, which knows the addresses of its members, or restore from its data directory';
    return refused(`whether ${names} has stopped is unknown: no source has its address (${sum})`, hint, names);
  }
  // Tolerated: nothing. Its etcd has a majority that this node does not reach.
  if (readyApi !== undefined) {
    const hint = `find the node that serves it, and repair the network between the nodes; or power that node off for good`;
    return refused(`an API server is ready at ${readyApi}, so a majority of etcd works (${sum})`, hint, readyApi);
  }
  return undefined;
}

/** As `--without` takes them. */
function namesOf(members: readonly Voter[]): string {
  return members.map(({ name }) => name).join(',');
}
