import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';
import { answerMembers } from '../../etcd/members-answer.ts';

export default class EtcdMembers extends NodeCommand {
  static override summary = 'List the members of etcd, and which of them may fail.';
  static override description =
    'Reads every source that is left: client port, peer port (it answers with every certificate expired), metrics port, database, flags. Exits 3 unless every member answers and has caught up. Changes nothing.';
  static override hiddenAliases = ['etcd:members:list'];
  static override examples = ['<%= config.bin %> etcd members'];
  static override flags = { ...etcdFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(EtcdMembers);
    const session = await this.openSession(flags);
    const { listMembers } = await import('@kube-rescue/diagnosis');
    const { node, interruption } = session;
    return answerMembers(await listMembers(node, toSearch(flags, session), interruption.signal));
  }
}
