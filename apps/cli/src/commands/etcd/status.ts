import { type Answer, NodeCommand } from '../../base-command.ts';
import { answerStatus } from '../../etcd/etcd-answer.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';

export default class EtcdStatus extends NodeCommand {
  static override summary = "Show etcd's members, leader, database, alarms and quorum.";
  static override description =
    'Connects with the certificates found on this node. Exits 3 when etcd is unreachable or unhealthy. Changes nothing.';
  static override examples = ['<%= config.bin %> etcd status', '<%= config.bin %> etcd status --json'];
  static override flags = etcdFlags;

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(EtcdStatus);
    const session = await this.openSession(flags);
    const { inspectEtcd } = await import('@kube-rescue/diagnosis');
    const { node, interruption } = session;
    return answerStatus(await inspectEtcd(node, toSearch(flags, session), interruption.signal));
  }
}
