import { nameRestoreCommand, type PeerMember, quorumOf } from '@kube-rescue/node';
import type { Finding } from '../cause.ts';
import type { EtcdClusterRow, EtcdReport } from './etcd-status.ts';
import type { ComponentState } from '../component-state.ts';

const PROBE = 'list every attempt with `kube-rescue etcd probe`';

/** The components of a node with the status of etcd beyond its process. */
export function withEtcd(components: readonly ComponentState[], report: EtcdReport): readonly ComponentState[] {
  const known = components.find(({ name }) => name === 'etcd');
  // An etcd without a process here runs on another machine, or as an unknown service.
  const remote: ComponentState = { name: 'etcd', state: 'unknown', healthy: undefined, detail: '' };
  const row = describeEtcd(known ?? remote, report);
  if (known !== undefined) return components.map((component) => (component === known ? row : component));
  return [...components.slice(0, 1), row, ...components.slice(1)];
}

/** The problems of etcd itself. Pure. */
export function findEtcdProblems(report: EtcdReport | null, isRunning: boolean): readonly Finding[] {
  if (report === null) return [];
  const { cluster, connection, problem } = report;
  // An etcd that is not running is reported as a component; credentials matter only for a running one.
  if (report.waiting !== null) return [report.waiting];
  if (connection === null) return isRunning ? [noConnection(problem ?? '')] : [];
  if (cluster === null) return [statusFailed(problem ?? '')];
  const problems = cluster.alarms.map(({ member, kind }) =>
    alarmCause(kind, memberName(cluster, member), connection.etcdctl),
  );
  if (!cluster.hasQuorum) return [noQuorum(cluster), ...problems];
  const unstarted = cluster.members.filter(({ isUnstarted, isLearner }) => isUnstarted && !isLearner);
  const weak = cluster.members.filter(({ answers, isBehind, isUnstarted }) => !isUnstarted && (!answers || isBehind));
  return [
    ...problems,
    ...(weak.length === 0 ? [] : [weakMembers(weak)]),
    ...unstarted.map((member) => unstartedMember(member, connection.etcdctl)),
  ];
}

function describeEtcd(row: ComponentState, { cluster, connection, problem }: EtcdReport): ComponentState {
  if (cluster === null || connection === null) {
    const reason = `cannot be reached: ${problem ?? 'no status'}`;
    return row.state === 'stopped'
      ? row
      : { ...row, detail: [row.detail, reason].filter((text) => text !== '').join('; ') };
  }
  const { members, leader, dbSize, alarms, hasQuorum, healthy } = cluster;
  const down = members.filter(({ answers, isUnstarted }) => !answers && !isUnstarted).map(({ name, id }) => name || id);
  const unstarted = members.filter(({ isUnstarted }) => isUnstarted).map(({ id }) => id);
  const behind = members.filter(({ isBehind }) => isBehind).map(({ name }) => name);
  const parts = [
    `${members.length} member${members.length === 1 ? '' : 's'}`,
    leader === null ? 'no leader' : `leader ${memberName(cluster, leader)}`,
    ...(hasQuorum ? [] : ['NO quorum']),
    `database ${formatSize(dbSize)}`,
    alarms.length === 0
      ? 'no alarms'
      : `alarms: ${alarms.map(({ kind, member }) => `${kind} of ${memberName(cluster, member)}`).join(', ')}`,
    ...(down.length === 0 ? [] : [`no answer from ${down.join(', ')}`]),
    ...(unstarted.length === 0 ? [] : [`never started: ${unstarted.join(', ')}`]),
    ...(behind.length === 0 ? [] : [`behind: ${behind.join(', ')}`]),
  ];
  return { ...row, state: 'running', healthy, detail: parts.join(', ') };
}

/** A member's name, or its id while it has no name. */
function memberName({ members }: EtcdClusterRow, id: string): string {
  const name = members.find((member) => member.id === id)?.name ?? '';
  return name === '' ? id : name;
}

function alarmCause(kind: string, member: string, etcdctl: string): Finding {
  if (kind === 'NOSPACE') {
    return {
      code: 'ETCD_NO_SPACE',
      summary: 'etcd refuses writes: a database has reached its quota',
      evidence: [`alarm NOSPACE of ${member}`],
      hint: `free space, then clear the alarm: run compact, defrag and alarm disarm with ${etcdctl}`,
    };
  }
  return {
    code: kind === 'CORRUPT' ? 'ETCD_CORRUPT' : 'ETCD_REFUSED',
    summary: kind === 'CORRUPT' ? 'an etcd member holds different data than the others' : `etcd raised alarm ${kind}`,
    evidence: [`alarm ${kind} of ${member}`],
    hint: 'take a snapshot of a good member (`kube-rescue etcd snapshot FILE`), then remove this member and add it again, empty',
  };
}

function noQuorum({ members, quorum }: EtcdClusterRow): Finding {
  const answering = members.filter(({ answers }) => answers).length;
  const version = members.find((each) => each.version !== null)?.version ?? undefined;
  return {
    code: 'ETCD_NO_QUORUM',
    summary: `etcd has no quorum and refuses writes: ${answering} of ${members.length} members answer, ${quorum} are needed`,
    evidence: members
      .filter(({ answers }) => !answers)
      .map(({ name, id, problem }) => `${name || id}: ${problem ?? 'no answer'}`),
    hint: `start members until a majority answers; if they are lost, restore a snapshot with ${nameRestoreCommand(version)} (docs/runbooks/etcd-does-not-answer.md)`,
  };
}

function weakMembers(members: EtcdClusterRow['members']): Finding {
  return {
    code: 'ETCD_MEMBER_DOWN',
    summary: 'etcd has quorum, but some members are down or behind',
    evidence: members.map(({ name, id, answers, problem, lag }) => {
      return `${name || id}: ${answers ? `${lag ?? 0} entries behind` : (problem ?? 'no answer')}`;
    }),
    hint: 'check these members: certificates, disks and the network between them',
  };
}

/** What a person should know of a working etcd: its other members, and learners that never started. */
export function findEtcdNotices(report: EtcdReport | null): readonly Finding[] {
  const { cluster, connection, peers } = report ?? {};
  const listed = peers?.members.filter(({ isLearner }) => !isLearner) ?? [];
  const several = listed.length > 1 ? [severalMembers(listed)] : [];
  if (cluster === null || cluster === undefined || connection === null || connection === undefined) return several;
  // A learner harms nothing, but etcd before 3.6 takes only one: the next join is refused.
  const unstarted = cluster.members.filter(({ isUnstarted, isLearner }) => isUnstarted && isLearner);
  return [...several, ...unstarted.map((member) => unstartedMember(member, connection.etcdctl))];
}

/** The number of voting members that etcd lists, over the client or the peer port; 0 when it lists none. */
export function countVoters(report: EtcdReport | null): number {
  const members = report?.cluster?.members ?? report?.peers?.members ?? [];
  return members.filter(({ isLearner }) => !isLearner).length;
}

function severalMembers(voters: readonly PeerMember[]): Finding {
  const quorum = quorumOf(voters.length);
  return {
    code: 'ETCD_SEVERAL_MEMBERS',
    summary: `this is one of ${voters.length} control-plane nodes: etcd needs ${quorum} of its ${voters.length} members`,
    evidence: voters.map(({ name, id, isThisNode, lacks, peerUrls }) =>
      [`${name || id}${isThisNode ? ' (this node)' : ''}: ${peerUrls.join(', ')}`, ...lacks].join('; '),
    ),
    hint: 'run triage on each of them; stop only one at a time; change no CA on one node alone',
  };
}

/** `kubeadm join --control-plane` adds the member before its etcd starts: kubeadm, `phases/etcd`. */
function unstartedMember({ id, isLearner, peerUrls }: EtcdClusterRow['members'][number], etcdctl: string): Finding {
  const [what, vote] = isLearner ? ['a learner', 'it has no vote'] : ['a member', 'its vote counts'];
  return {
    code: 'ETCD_MEMBER_UNSTARTED',
    summary: `etcd has ${what} that never started, left behind by a join; ${vote}`,
    evidence: [`${id}: peer URL ${peerUrls.join(', ')}; no name, no client URL`],
    hint: `start its etcd, or remove it, so that the next join can add it: ${etcdctl} member remove ${id}`,
  };
}

function noConnection(problem: string): Finding {
  return {
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    summary: 'etcd is running, but no credentials on this node work',
    evidence: [problem],
    hint: PROBE,
  };
}

function statusFailed(problem: string): Finding {
  return {
    code: 'ETCD_REFUSED',
    summary: 'etcd is reachable, but its status call failed',
    evidence: [problem],
    hint: PROBE,
  };
}

function formatSize(bytes: number): string {
  return bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
