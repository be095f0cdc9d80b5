import { type Answer, NodeCommand } from '../../base-command.ts';
import { answerProbe } from '../../etcd/etcd-answer.ts';
import { etcdFlags, toSearch } from '../../etcd/etcd-flags.ts';

export default class EtcdProbe extends NodeCommand {
  static override summary = 'Find working endpoints and credentials for etcd, and print the etcdctl command line.';
  static override description =
    'Tries every endpoint with the CAs and client certificates on this node and reports why each attempt failed. Exits 3 when none works. Changes nothing.';
  static override examples = [
    '<%= config.bin %> etcd probe',
    '<%= config.bin %> etcd probe --accept-expired-server --json',
  ];
  static override flags = { ...etcdFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(EtcdProbe);
    const session = await this.openSession(flags);
    const { probeEtcd } = await import('@kube-rescue/diagnosis');
    const { node, interruption } = session;
    return answerProbe(await probeEtcd(node, toSearch(flags, session), interruption.signal));
  }
}
