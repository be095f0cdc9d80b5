import type { Cause } from '../cause.ts';
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
export function findEtcdProblems(report: EtcdReport | null, isRunning: boolean): readonly Omit<Cause, 'rank'>[] {
  if (report === null) return [];
  const { cluster, connection, problem } = report;
  // An etcd that is not running is reported as a component; credentials matter only for a running one.
  if (connection === null) return isRunning ? [noConnection(problem ?? '')] : [];
  if (cluster === null) return [statusFailed(problem ?? '')];
  const problems = cluster.alarms.map(({ member, kind }) =>
    alarmCause(kind, memberName(cluster, member), connection.etcdctl),
  );
  if (!cluster.hasQuorum) return [noQuorum(cluster), ...problems];
  const weak = cluster.members.filter(({ answers, isBehind }) => !answers || isBehind);
  return weak.length === 0 ? problems : [...problems, weakMembers(weak)];
}

function describeEtcd(row: ComponentState, { cluster, connection, problem }: EtcdReport): ComponentState {
  if (cluster === null || connection === null) {
    const reason = `cannot be reached: ${problem ?? 'no status'}`;
    return row.state === 'stopped'
      ? row
      : { ...row, detail: [row.detail, reason].filter((text) => text !== '').join('; ') };
  }
  const { members, leader, dbSize, alarms, hasQuorum, healthy } = cluster;
  const down = members.filter(({ answers }) => !answers).map(({ name }) => name);
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
    ...(behind.length === 0 ? [] : [`behind: ${behind.join(', ')}`]),
  ];
  return { ...row, state: 'running', healthy, detail: parts.join(', ') };
}

/** A member's name, or its id while it has no name. */
function memberName({ members }: EtcdClusterRow, id: string): string {
  const name = members.find((member) => member.id === id)?.name ?? '';
  return name === '' ? id : name;
}

function alarmCause(kind: string, member: string, etcdctl: string): Omit<Cause, 'rank'> {
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
    hint: 'take a snapshot of a good member (kube-rescue etcd snapshot), then remove this member and add it again, empty',
  };
}

function noQuorum({ members, quorum }: EtcdClusterRow): Omit<Cause, 'rank'> {
  const answering = members.filter(({ answers }) => answers).length;
  return {
    code: 'ETCD_NO_QUORUM',
    summary: `etcd has no quorum and refuses writes: ${answering} of ${members.length} members answer, ${quorum} are needed`,
    evidence: members
      .filter(({ answers }) => !answers)
      .map(({ name, id, problem }) => `${name || id}: ${problem ?? 'no answer'}`),
    hint: 'start members until a majority answers; if they are lost, restore a snapshot',
  };
}

function weakMembers(members: EtcdClusterRow['members']): Omit<Cause, 'rank'> {
  return {
    code: 'ETCD_MEMBER_DOWN',
    summary: 'etcd has quorum, but some members are down or behind',
    evidence: members.map(({ name, id, answers, problem, lag }) => {
      return `${name || id}: ${answers ? `${lag ?? 0} entries behind` : (problem ?? 'no answer')}`;
    }),
    hint: 'check these members: certificates, disks and the network between them',
  };
}

function noConnection(problem: string): Omit<Cause, 'rank'> {
  return {
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    summary: 'etcd is running, but no credentials on this node work',
    evidence: [problem],
    hint: PROBE,
  };
}

function statusFailed(problem: string): Omit<Cause, 'rank'> {
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
