import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';
import { answerMembers } from '../../etcd/members-answer.ts';

export default class EtcdMembers extends NodeCommand {
  static override summary = 'List the members of etcd, and which of them may fail.';
  static override description =
    'Reads from every source that is left: the client port, the peer port (which answers with every certificate expired and no majority), the metrics port, the database on disk, the flags. Exits 3 when a member does not answer or is behind. Changes nothing.';
  static override aliases = ['etcd:members:list'];
  static override examples = ['<%= config.bin %> etcd members', '<%= config.bin %> etcd members --json'];
  static override flags = { ...etcdFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(EtcdMembers);
    const session = await this.openSession(flags);
    const { listMembers } = await import('@kube-rescue/diagnosis');
    const { node, interruption } = session;
    return answerMembers(await listMembers(node, toSearch(flags, session), interruption.signal));
  }
}
