import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { etcdFlags, toSearch, VIA } from '../../etcd/etcd-flags.ts';
import { answerNodes } from '../../nodes/nodes-answer.ts';
import { openAccess } from '../../nodes/node-access.ts';
import { sshFlags } from '../../nodes/ssh-flags.ts';

export default class NodesList extends NodeCommand {
  static override summary =
    'List the nodes of the cluster: whether they are Ready now, their taints, when their kubelets expire.';
  static override description =
    'Read from etcd while the API server is dead. A Node that says Ready is believed only while its kubelet reports. With --ssh each node is asked for its own certificate as well. Exits 3 when a node is not Ready or its certificate has expired. Changes nothing.';
  static override examples = ['<%= config.bin %> nodes list', '<%= config.bin %> nodes list --ssh --json'];
  static override flags = {
    via: Flags.option({
      options: VIA,
      description: 'read objects from etcd, or through the API server; default: the API server while it answers',
    })(),
    ssh: Flags.boolean({
      description: 'ask every other node over SSH for the certificate of its kubelet',
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
