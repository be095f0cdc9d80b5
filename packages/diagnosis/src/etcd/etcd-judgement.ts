import type { Cause } from '../cause.ts';
import type { EtcdClusterRow, EtcdReport } from './etcd-status.ts';
import type { ComponentState } from '../component-state.ts';

const PROBE = 'see every attempt with `kube-rescue etcd probe`';

/** The components of a node with what is known of etcd beyond its process. */
export function withEtcd(components: readonly ComponentState[], sight: EtcdReport): readonly ComponentState[] {
  const known = components.find(({ name }) => name === 'etcd');
  // An etcd without a process here runs elsewhere, or as a service that nobody named.
  const elsewhere: ComponentState = { name: 'etcd', state: 'unknown', healthy: undefined, detail: '' };
  const row = describeEtcd(known ?? elsewhere, sight);
  if (known !== undefined) return components.map((component) => (component === known ? row : component));
  return [...components.slice(0, 1), row, ...components.slice(1)];
}

/** What is wrong with etcd itself. Pure. */
export function findEtcdProblems(sight: EtcdReport | null, isRunning: boolean): readonly Omit<Cause, 'rank'>[] {
  if (sight === null) return [];
  const { cluster, connection, problem } = sight;
  // One that does not run is told as such; how to get into it is a question only when it does.
  if (connection === null) return isRunning ? [noConnection(problem ?? '')] : [];
  if (cluster === null) return [unseen(problem ?? '')];
  const problems = cluster.alarms.map(({ member, kind }) =>
    alarmCause(kind, memberName(cluster, member), connection.etcdctl),
  );
  if (!cluster.hasQuorum) return [noQuorum(cluster), ...problems];
  const weak = cluster.members.filter(({ answers, isBehind }) => !answers || isBehind);
  return weak.length === 0 ? problems : [...problems, weakMembers(weak)];
}

function describeEtcd(row: ComponentState, { cluster, connection, problem }: EtcdReport): ComponentState {
  if (cluster === null || connection === null) {
    const reason = `cannot be reached: ${problem ?? 'nothing is known of it'}`;
    return row.state === 'stopped'
      ? row
      : { ...row, detail: [row.detail, reason].filter((text) => text !== '').join('; ') };
  }
  const { members, leader, dbSize, alarms, hasQuorum, healthy } = cluster;
  const silent = members.filter(({ answers }) => !answers).map(({ name }) => name);
  const behind = members.filter(({ isBehind }) => isBehind).map(({ name }) => name);
  const parts = [
    `${members.length} member${members.length === 1 ? '' : 's'}`,
    leader === null ? 'no leader' : `leader ${memberName(cluster, leader)}`,
    ...(hasQuorum ? [] : ['NO quorum']),
    `database ${formatSize(dbSize)}`,
    alarms.length === 0
      ? 'no alarms'
      : `alarms: ${alarms.map(({ kind, member }) => `${kind} of ${memberName(cluster, member)}`).join(', ')}`,
    ...(silent.length === 0 ? [] : [`no answer from ${silent.join(', ')}`]),
    ...(behind.length === 0 ? [] : [`behind: ${behind.join(', ')}`]),
  ];
  return { ...row, state: 'running', healthy, detail: parts.join(', ') };
}

/** A member's name, or its id as long as it has none. */
function memberName({ members }: EtcdClusterRow, id: string): string {
  const name = members.find((member) => member.id === id)?.name ?? '';
  return name === '' ? id : name;
}

function alarmCause(kind: string, member: string, etcdctl: string): Omit<Cause, 'rank'> {
  if (kind === 'NOSPACE') {
    return {
      code: 'ETCD_NO_SPACE',
      summary: 'etcd takes no more writes: a database has reached its quota',
      evidence: [`alarm NOSPACE of ${member}`],
      hint: `free space in it, then let it write again: compact, defrag and alarm disarm, each behind ${etcdctl}`,
    };
  }
  return {
    code: kind === 'CORRUPT' ? 'ETCD_CORRUPT' : 'ETCD_REFUSED',
    summary:
      kind === 'CORRUPT' ? 'a member of etcd holds other data than the rest' : `etcd has raised the alarm ${kind}`,
    evidence: [`alarm ${kind} of ${member}`],
    hint: 'take a snapshot of a good member (kube-rescue etcd snapshot), then remove this one and add it again, empty',
  };
}

function noQuorum({ members, quorum }: EtcdClusterRow): Omit<Cause, 'rank'> {
  const answering = members.filter(({ answers }) => answers).length;
  return {
    code: 'ETCD_NO_QUORUM',
    summary: `etcd has no quorum, so nothing can be written: ${answering} of ${members.length} members answer, ${quorum} are needed`,
    evidence: members
      .filter(({ answers }) => !answers)
      .map(({ name, id, problem }) => `${name || id}: ${problem ?? 'it does not answer'}`),
    hint: 'bring members back until a majority answers; if they are gone for good, restore a snapshot',
  };
}

function weakMembers(members: EtcdClusterRow['members']): Omit<Cause, 'rank'> {
  return {
    code: 'ETCD_MEMBER_DOWN',
    summary: 'etcd works, but not all of its members do',
    evidence: members.map(({ name, id, answers, problem, lag }) => {
      return `${name || id}: ${answers ? `${lag ?? 0} entries behind` : (problem ?? 'it does not answer')}`;
    }),
    hint: 'look at these members: their certificates, their disks, and the network between them',
  };
}

function noConnection(problem: string): Omit<Cause, 'rank'> {
  return {
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    summary: 'etcd runs, and nothing on this node opens it',
    evidence: [problem],
    hint: PROBE,
  };
}

function unseen(problem: string): Omit<Cause, 'rank'> {
  return {
    code: 'ETCD_REFUSED',
    summary: 'etcd answers, but does not tell how it is',
    evidence: [problem],
    hint: PROBE,
  };
}

function formatSize(bytes: number): string {
  return bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
