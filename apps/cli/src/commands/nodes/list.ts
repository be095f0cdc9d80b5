import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { answerNodes } from '../../nodes/nodes-answer.ts';
import { openAccess } from '../../nodes/node-access.ts';
import { sshFlags } from '../../nodes/ssh-flags.ts';

export default class NodesList extends NodeCommand {
  static override summary = 'List the nodes of the cluster: readiness, taints, expiry of kubelet certificates.';
  static override description =
    'Reads from etcd while the API server is down. A node counts as Ready only while its kubelet renews its lease. --ssh also reads the kubelet certificate on each node. Exits 3 when a node is not Ready or its certificate has expired. Changes nothing.';
  static override examples = ['<%= config.bin %> nodes list', '<%= config.bin %> nodes list --ssh --json'];
  static override flags = {
    via: Flags.option({
      options: VIA,
      description: 'read objects from etcd, or through the API server; default: the API server while it answers',
    })(),
    ssh: Flags.boolean({
      description: 'read the kubelet certificate of every other node over SSH',
      helpGroup: 'SSH',
    }),
    ...sshFlags,
    ...etcdFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(NodesList);
    const session = await this.openSession(flags);
    const access = await openAccess({ via: flags.via, search: toSearch(flags, session) }, session);
    return answerNodes({ access, ssh: flags.ssh ? flags : undefined }, session);
  }
}
