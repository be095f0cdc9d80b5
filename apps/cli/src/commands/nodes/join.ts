import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { assertClockOf } from '../../clock-check.ts';
import { clockFlag, writeFlags, seconds } from '../../flags.ts';
import { answerBundles, answerJoin } from '../../nodes/join-answer.ts';
import { readJoinFiles } from '../../nodes/join-files.ts';
import { openAccess } from '../../nodes/node-access.ts';
import { sshFlags } from '../../nodes/ssh-flags.ts';

export default class NodesJoin extends NodeCommand {
  static override summary = 'Rejoin workers: install kubeconfig and CA, restart kubelets, wait until they are Ready.';
  static override description =
    'Connects over SSH with verified host keys, or writes bundles to copy by hand (--bundle). Backs up replaced files first; rollback RUN restores every byte on the worker. An unreachable worker is skipped and reported with exit 3.';
  static override examples = [
    '<%= config.bin %> nodes join node02 node03 --ssh-user core --ssh-sudo',
    '<%= config.bin %> nodes join node02 --file /etc/kubernetes/kubelet.conf=./node02.conf',
    '<%= config.bin %> nodes join node02 --bundle ./bundles',
  ];
  static override args = {
    host: Args.string({ description: 'worker: [USER@]HOST', multiple: true, required: true }),
  };
  static override flags = {
    ...clockFlag,
    ...writeFlags,
    bundle: Flags.string({
      description: 'write a bundle for each worker to this directory instead of connecting',
      helpValue: 'DIR',
    }),
    file: Flags.string({
      description:
        "install this node's file PATH, or the content of FILE at PATH (repeatable); default: the shared kubeconfig and its CA",
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'PATH[=FILE]',
    }),
    wait: seconds({
      description: 'how long to wait for a restarted kubelet to be Ready: seconds, or 5m',
      default: 180,
      aliases: ['ready-timeout'],
    }),
    via: Flags.option({
      options: VIA,
      description: 'read objects from etcd, or through the API server; default: the API server while it answers',
    })(),
    ...sshFlags,
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(NodesJoin);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    const input = {
      hosts: args.host,
      files: await readJoinFiles(flags.file, session),
      access: await openAccess({ via: flags.via, search: toSearch(flags, session) }, session),
      ssh: flags,
      readyTimeoutMs: flags.wait * 1000,
      dryRun: flags['dry-run'],
      yes: flags.yes,
    };
    return flags.bundle === undefined ? answerJoin(input, session) : answerBundles(input, flags.bundle, session);
  }
}
