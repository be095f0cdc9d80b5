import type { MemberListing, MemberRow } from '@kube-rescue/diagnosis';
import { nameSource } from '@kube-rescue/node';
import type { Terminal } from '../terminal.ts';
import { paint } from './style.ts';
import { renderTable } from './table.ts';
import { count, formatBytes, indentText } from './text.ts';

/** The members of etcd, their majority, and what lists them. */
export function renderMembers(listing: MemberListing, terminal: Terminal): string {
  const { members, hasQuorum, voters, answering, needed, tolerates, evidence, nodesWithoutMember } = listing;
  const table = renderTable(
    {
      header: ['MEMBER', 'ID', 'ROLE', 'DB', 'REVISION', 'STATE'],
      rows: members.map((member) => {
        const colour = member.state === 'healthy' ? ('green' as const) : ('red' as const);
        return [
          `${member.name || '-'}${member.isThisNode ? ' *' : ''}`,
          member.id || '-',
          roleOf(member),
          member.dbSize === null ? '-' : formatBytes(member.dbSize),
          member.revision === null ? '-' : String(member.revision),
          { text: describeState(member), colour },
        ];
      }),
      flexible: 0,
    },
    terminal,
  );
  const majority = hasQuorum ? `${tolerates} more may fail` : paint(`NO quorum`, 'red', terminal);
  const urls = members
    .filter(({ peerUrls }) => peerUrls.length > 0)
    .map(({ name, id, peerUrls, clientUrls }) =>
      indentText(
        `${name || id}: `,
        `peers ${peerUrls.join(', ')}, clients ${clientUrls.join(', ') || '-'}`,
        terminal.columns,
      ),
    );
  return [
    `${count(voters, 'voting member')}, ${answering} answer, ${needed} needed: ${majority}`,
    '',
    table,
    ...(members.some(({ isThisNode }) => isThisNode) ? ['* of this node'] : []),
    '',
    ...urls,
    ...evidence.map((source) =>
      indentText('', `${nameSource(source)} lists ${count(source.voters, 'voting member')}`, terminal.columns),
    ),
    ...(nodesWithoutMember.length === 0
      ? []
      : [
          indentText(
            '',
            `the cluster has ${count(nodesWithoutMember.length, 'control-plane node')} without a member of this etcd: ${nodesWithoutMember.join(', ')} (by its objects; does not count)`,
            terminal.columns,
          ),
        ]),
  ].join('\n');
}

function roleOf({ isLearner, isLeader, answers }: MemberRow): string {
  if (isLearner) return 'learner';
  if (!answers) return '-';
  return isLeader ? 'leader' : 'follower';
}

function describeState({ state, isUnstarted, answers, problem, lag, revisionsBehind, peerAnswers }: MemberRow): string {
  if (isUnstarted) return 'never started';
  if (state === 'behind') return `behind by ${lag ?? 0} entries, ${revisionsBehind ?? 0} revisions`;
  if (state === 'unhealthy') return 'has an alarm';
  if (answers) return 'ok';
  if (peerAnswers === true) return problem === null ? 'peer port answers' : `peer port answers: ${problem}`;
  return problem ?? 'does not answer';
}
