import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { etcdFlags, toSearch } from '../../../etcd/etcd-flags.ts';
import { changeMember } from '../../../etcd/member-change.ts';
import { writeFlags } from '../../../flags.ts';

export default class EtcdMembersPromote extends NodeCommand {
  static override summary = 'Give a learner of etcd its vote.';
  static override description =
    'Refused for a learner that does not answer or has not caught up, and without a majority. Cannot be rolled back: only a removal ends a vote.';
  static override examples = ['<%= config.bin %> etcd members promote cp3'];
  static override args = { member: Args.string({ description: 'name or id of the learner', required: true }) };
  static override flags = { ...etcdFlags, ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdMembersPromote);
    const session = await this.openSession(flags);
    const search = toSearch(flags, session);
    return changeMember({ action: 'promote', member: args.member, search }, flags, session);
  }
}
