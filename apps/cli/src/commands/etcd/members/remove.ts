import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { etcdFlags, toSearch } from '../../../etcd/etcd-flags.ts';
import { changeMember } from '../../../etcd/member-change.ts';
import { writeFlags } from '../../../flags.ts';

export default class EtcdMembersRemove extends NodeCommand {
  static override summary = 'Remove a member of etcd for good, and print what brings a new control plane in.';
  static override description =
    'For a control-plane node that is lost. Refused with the sum where the members that remain are no majority that answers. Cannot be rolled back: the node can only join again as a new member.';
  static override examples = [
    '<%= config.bin %> etcd members remove cp3 --dry-run',
    '<%= config.bin %> etcd members remove 8e9e05c52164694d',
  ];
  static override args = { member: Args.string({ description: 'name or id of the member', required: true }) };
  static override flags = { ...etcdFlags, ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(EtcdMembersRemove);
    const session = await this.openSession(flags);
    const search = toSearch(flags, session);
    return changeMember({ action: 'remove', member: args.member, search }, flags, session);
  }
}
