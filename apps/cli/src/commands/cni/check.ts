import { type Answer, NodeCommand } from '../../base-command.ts';
import { cniBootstrap, networkFlags, openNetwork } from '../../cni/node-network.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderNetwork } from '../../render/network.ts';

export default class CniCheck extends NodeCommand {
  static override summary = 'Find out which network plugin the cluster runs, and what it lacks on this node.';
  static override description =
    'Reads the DaemonSets, ConfigMaps and Nodes of the cluster from its etcd, also while the API server is dead, and the folders that the kubelet or the container runtime is configured with. Exits 3 when a file is missing or stale, or the network cannot start by itself. Changes nothing.';
  static override examples = ['<%= config.bin %> cni check', '<%= config.bin %> cni check --via api --json'];
  static override flags = { ...networkFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(CniCheck);
    const session = await this.openSession(flags);
    const { input, deps } = await openNetwork(flags, session);
    const { inspectNetwork } = await cniBootstrap();
    const sight = await inspectNetwork(input, deps, session.interruption.signal);
    return {
      result: { node: input.nodeName, ...sight },
      exitCode: sight.status === 'ok' ? EXIT.done : EXIT.problems,
      text: (terminal) => renderNetwork(input.nodeName, sight, terminal),
    };
  }
}
