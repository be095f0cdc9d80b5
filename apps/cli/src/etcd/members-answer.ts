import type { EtcdReport, MemberListing } from '@kube-rescue/diagnosis';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderMembers } from '../render/etcd-members.ts';
import { renderProbe } from '../render/etcd-probe.ts';
import { noConnection } from './etcd-answer.ts';

/** The answer of `etcd members`: exit 3 unless a majority works and every member answers and has caught up. */
export function answerMembers({
  report,
  listing,
}: {
  readonly report: EtcdReport;
  readonly listing: MemberListing | undefined;
}): Answer {
  if (listing === undefined) {
    return {
      result: { members: [], attempts: report.attempts },
      exitCode: EXIT.problems,
      text: (terminal) => renderProbe(report, terminal),
      failure: noConnection(report),
    };
  }
  const isSound = listing.hasQuorum && listing.members.every(({ state }) => state === 'healthy');
  return {
    result: listing,
    exitCode: isSound ? EXIT.done : EXIT.problems,
    text: (terminal) => renderMembers(listing, terminal),
  };
}
