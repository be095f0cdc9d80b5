import { type Answer, NodeCommand } from '../../base-command.ts';
import { cniBootstrap, networkFlags, openNetwork } from '../../cni/node-network.ts';
import { EXIT } from '../../exit-codes.ts';
import { renderNetwork } from '../../render/network.ts';
import type { Results } from '../../results.ts';

export default class CniCheck extends NodeCommand {
  static override summary = 'Identify the network plugin of the cluster and its missing files on this node.';
  static override description =
    'Reads DaemonSets, ConfigMaps and Nodes from etcd, even while the API server is down, and the CNI directories of the kubelet or the container runtime. Exits 3 when a file is missing or stale, or the network cannot start by itself. Changes nothing.';
  static override examples = ['<%= config.bin %> cni check', '<%= config.bin %> cni check --via api --json'];
  static override flags = { ...networkFlags };

  protected override async answer(): Promise<Answer<Results['cni check']>> {
    const { flags } = await this.parse(CniCheck);
    const session = await this.openSession(flags);
    const { input, deps } = await openNetwork(flags, session);
    const { inspectNetwork } = await cniBootstrap();
    const state = await inspectNetwork(input, deps, session.interruption.signal);
    return {
      result: { node: input.nodeName, ...state },
      exitCode: state.status === 'ok' ? EXIT.done : EXIT.problems,
      text: (terminal) => renderNetwork(input.nodeName, state, terminal),
    };
  }
}
