import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { seconds } from '../../dns/dns-flags.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { writeFlags } from '../../flags.ts';
import { answerBundles, answerJoin } from '../../nodes/join-answer.ts';
import { readJoinFiles } from '../../nodes/join-files.ts';
import { openAccess } from '../../nodes/node-access.ts';
import { sshFlags } from '../../nodes/ssh-flags.ts';

export default class NodesJoin extends NodeCommand {
  static override summary =
    'Bring workers back: give them their kubeconfig and CA, restart their kubelets, see them Ready.';
  static override description =
    'Over SSH, with host keys checked, or as a folder to be carried there by hand (--bundle). What is there is kept first; rollback RUN puts every byte back on the worker. A worker that cannot be reached keeps no other from its turn: it is named, and the exit status is 3.';
  static override examples = [
    '<%= config.bin %> nodes join node02 node03 --ssh-user core --ssh-sudo',
    '<%= config.bin %> nodes join node02 --file /etc/kubernetes/kubelet.conf=./node02.conf',
    '<%= config.bin %> nodes join node02 --bundle ./bundles',
  ];
  static override args = {
    host: Args.string({ description: 'a worker: [USER@]HOST', multiple: true, required: true }),
  };
  static override flags = {
    ...writeFlags,
    bundle: Flags.string({
      description: 'write a folder for each worker below this one instead of going there',
      helpValue: 'DIR',
    }),
    file: Flags.string({
      description:
        "give them this node's file PATH, or FILE in its place (more than once: all of them); default: the kubeconfig that all share, and its CA",
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'PATH[=FILE]',
    }),
    'ready-timeout': seconds({ description: 'how long a restarted kubelet may take to be Ready', default: 180 }),
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
    const input = {
      hosts: args.host,
      files: await readJoinFiles(flags.file, session),
      access: await openAccess({ via: flags.via, search: toSearch(flags, session) }, session),
      ssh: flags,
      readyTimeoutMs: flags['ready-timeout'] * 1000,
      dryRun: flags['dry-run'],
      yes: flags.yes,
    };
    return flags.bundle === undefined ? answerJoin(input, session) : answerBundles(input, flags.bundle, session);
  }
}
