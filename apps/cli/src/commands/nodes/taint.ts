import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { writeFlags } from '../../flags.ts';
import { openAccess } from '../../nodes/node-access.ts';
import { restoreRoles } from '../../nodes/restore-roles.ts';

export default class NodesTaint extends NodeCommand {
  static override summary = 'Restore missing taints and labels of a node.';
  static override description =
    "Sources, in order: the flags, earlier runs, the flags of the kubelet, kubeadm's convention. Removes nothing. Writes to etcd while the API server is down. Journalled: rollback RUN removes them again.";
  static override examples = [
    '<%= config.bin %> nodes taint cp1',
    '<%= config.bin %> nodes taint node02 --taint dedicated=db:NoSchedule --label zone=a',
  ];
  static override args = {
    node: Args.string({ description: 'name of the node', required: true }),
  };
  static override flags = {
    ...writeFlags,
    taint: Flags.string({
      description: 'taint to add (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY[=VALUE]:EFFECT',
    }),
    label: Flags.string({
      description: 'label to add (repeatable)',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'KEY[=VALUE]',
    }),
    via: Flags.option({
      options: VIA,
      description: 'write to etcd, or through the API server; default: the API server while it answers',
    })(),
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(NodesTaint);
    const session = await this.openSession(flags);
    const access = await openAccess({ via: flags.via, search: toSearch(flags, session) }, session);
    const { taint = [], label = [], yes, 'dry-run': dryRun } = flags;
    return restoreRoles({ node: args.node, taints: taint, labels: label, access, dryRun, yes }, session);
  }
}
