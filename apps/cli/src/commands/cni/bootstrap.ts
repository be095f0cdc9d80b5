import type { Playbook } from '@kube-rescue/workflow';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { cniBootstrap, networkFlags, openNetwork } from '../../cni/node-network.ts';
import { writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';

export default class CniBootstrap extends NodeCommand {
  static override summary = 'Write missing start files of the network plugin of this node.';
  static override description =
    "Derives flannel's subnet.env and CNI configuration as flannel does, writes them when they are missing or stale, and has the plugin load them. Never replaces files of a running flannel. Writes nothing for plugins that need more than files. Journalled: rollback RUN removes the files again.";
  static override examples = ['<%= config.bin %> cni bootstrap --dry-run', '<%= config.bin %> cni bootstrap --yes'];
  static override flags = { ...writeFlags, ...networkFlags };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(CniBootstrap);
    const session = await this.openSession(flags);
    const { input, deps } = await openNetwork(flags, session);
    const { createNetworkStep } = await cniBootstrap();
    const step = createNetworkStep(input, deps);
    const phase = { id: 'network', title: 'network', steps: async () => [step] };
    const playbook = async (): Promise<Playbook> => ({ id: 'cni-bootstrap', title: 'network', phases: [phase] });
    return answerPlaybook({ playbook, selection: {}, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
