import { type Answer, NodeCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { verboseFlag } from '../flags.ts';
import { renderTriage } from '../render/triage.ts';
import type { Results } from '../results.ts';

export default class Triage extends NodeCommand {
  static override summary = 'Find the root causes of the problems of this node.';
  static override description =
    'Reads only files, processes and sockets of this node; works with the whole cluster down. Changes nothing.';
  static override hiddenAliases = ['status'];
  static override examples = ['<%= config.bin %> triage', '<%= config.bin %> triage --root /mnt/node01 --json'];

  static override flags = verboseFlag;

  protected override async answer(): Promise<Answer<Results['triage']>> {
    const { flags } = await this.parse(Triage);
    const session = await this.openSession(flags);
    const { triageNode } = await import('@kube-rescue/diagnosis');
    const triage = await triageNode(session.node, session.interruption.signal);
    return {
      result: triage,
      exitCode: triage.healthy ? EXIT.done : EXIT.problems,
      text: (terminal) => renderTriage(triage, terminal, { verbose: flags.verbose || terminal.wide === true }),
    };
  }
}
