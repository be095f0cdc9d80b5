import type { EtcdClusterRow, EtcdMemberRow, EtcdReport } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { renderConnection } from './etcd-probe.ts';
import { paint } from './style.ts';
import { renderTable } from './table.ts';
import { count, formatBytes, indentText } from './text.ts';

/** An etcd cluster and each of its members. */
export function renderCluster(cluster: EtcdClusterRow, { connection }: EtcdReport, terminal: Terminal): string {
  const { healthy, hasQuorum, quorum, members, alarms, raftTerm, dbSize } = cluster;
  const state = healthy ? paint('healthy', 'green', terminal) : paint('NOT healthy', 'red', terminal);
  const majority = hasQuorum
    ? 'has quorum'
    : `NO quorum: ${quorum} of ${members.length} must answer; values may be stale`;
  const table = renderTable(
    {
      header: ['MEMBER', 'ROLE', 'VERSION', 'DB', 'RAFT INDEX', ...(terminal.wide ? WIDE : []), 'STATE'],
      rows: members.map((member) => {
        const { name, id, version, dbSize: size, raftIndex } = member;
        const status = describeMember(member);
        const colour = status === 'ok' ? ('green' as const) : ('red' as const);
        const database = size === null ? '-' : formatBytes(size);
        return [
          name || id,
          roleOf(member),
          version ?? '-',
          database,
          String(raftIndex ?? '-'),
          ...(terminal.wide ? wideCells(member) : []),
          { text: status, colour },
        ];
      }),
      flexible: 0,
    },
    terminal,
  );
  return [
    ...renderConnection(connection, terminal),
    `etcd: ${state}, ${count(members.length, 'member')}, ${majority}`,
    `raft term ${raftTerm}, database ${formatBytes(dbSize)}`,
    ...(alarms.length === 0
      ? ['no alarms']
      : alarms.map(({ kind, member }) =>
          indentText('ALARM ', `${kind} of ${nameOf(member, members)}`, terminal.columns),
        )),
    '',
    table,
  ].join('\n');
}

const WIDE = ['ID', 'ENDPOINT', 'PEER URLS', 'IN USE', 'REVISION', 'LAG'];

function wideCells({ id, endpoint, peerUrls, dbSizeInUse, revision, lag }: EtcdMemberRow): readonly string[] {
  const inUse = dbSizeInUse === null ? '-' : formatBytes(dbSizeInUse);
  return [id, endpoint ?? '-', peerUrls.join(',') || '-', inUse, String(revision ?? '-'), String(lag ?? '-')];
}

function roleOf({ isLeader, isLearner, answers }: EtcdMemberRow): string {
  if (isLearner) return 'learner';
  if (!answers) return '-';
  return isLeader ? 'leader' : 'follower';
}

function describeMember({ answers, problem, isBehind, isUnstarted, peerUrls, lag }: EtcdMemberRow): string {
  if (isUnstarted) return `never started; peer URL ${peerUrls.join(', ')}`;
  if (!answers) return problem ?? 'does not answer';
  return isBehind ? `behind by ${lag ?? 0} entries` : 'ok';
}

function nameOf(id: string, members: readonly EtcdMemberRow[]): string {
  const name = members.find((member) => member.id === id)?.name ?? '';
  return name === '' ? id : name;
}
