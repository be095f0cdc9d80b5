import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { etcdFlags, toSearch } from '../etcd/etcd-flags.ts';
import { commandWords } from '../throwaway/command-words.ts';
import { answerThrowaway } from '../throwaway/throwaway-answer.ts';

export default class Api extends NodeCommand {
  static override summary = 'Start a throwaway API server for kubectl while the cluster has none.';
  static override description =
    "Runs the node's own version of kube-apiserver on the loopback interface until Ctrl-C, or until the command behind -- ends. Read-only on a copy of etcd, so nothing of the cluster changes: no quorum is needed, an expired server certificate of etcd is accepted. Calls neither webhooks nor kubelets nor aggregated APIs. Keys are in memory; everything is removed at the end.";
  static override examples = [
    '<%= config.bin %> api',
    '<%= config.bin %> api -- kubectl get pods --all-namespaces',
    '<%= config.bin %> api --from-snapshot /var/lib/etcd/member/snap/db',
  ];
  static override usage = 'api [FLAGS] [-- COMMAND...]';
  static override strict = false;
  static override flags = {
    ...etcdFlags,
    'from-snapshot': Flags.string({
      description: 'show this snapshot, or member/snap/db of a data directory, instead of the etcd that answers',
      helpValue: 'FILE',
      exclusive: ['writable'],
    }),
    writable: Flags.boolean({
      description: 'work on the etcd itself, after a snapshot of it; default: read-only, on a copy',
    }),
    port: Flags.integer({ description: 'port on 127.0.0.1; default: a free one', min: 1, max: 65_535 }),
    'kube-apiserver': Flags.string({
      description: "program of the node's version; default: from the image on this node, else in PATH",
      helpValue: 'FILE',
    }),
    etcd: Flags.string({ description: 'as --kube-apiserver, for the copy', helpValue: 'FILE' }),
    etcdutl: Flags.string({
      description: "restore program of the node's version of etcd (before etcd 3.5: etcdctl); default: as --etcd",
      helpValue: 'FILE',
    }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags, argv } = await this.parse(Api);
    const command = commandWords(this.argv, argv as string[]);
    const session = await this.openSession(flags);
    const path = (text: string | undefined) => (text === undefined ? undefined : session.localFiles.path(text));
    const programs = {
      kubeApiserver: path(flags['kube-apiserver']),
      etcd: path(flags.etcd),
      etcdutl: path(flags.etcdutl),
    };
    const { writable: isWritable, port } = flags;
    const search = toSearch(flags, session);
    return answerThrowaway(
      { search, snapshot: path(flags['from-snapshot']), isWritable, programs, port },
      command,
      session,
    );
  }
}
