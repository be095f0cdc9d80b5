import { type Answer, NodeCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderTriage } from '../render/triage.ts';

export default class Triage extends NodeCommand {
  static override summary = 'Find out what is wrong with this node, and name the root causes.';
  static override description =
    'Reads files, processes and sockets of this node only; works with everything dead. Changes nothing.';
  static override examples = ['<%= config.bin %> triage', '<%= config.bin %> triage --root /mnt/node01 --json'];

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(Triage);
    const session = await this.openSession(flags);
    const { triageNode } = await import('@kube-rescue/diagnosis');
    const triage = await triageNode(session.node, session.interruption.signal);
    return {
      result: triage,
      exitCode: triage.healthy ? EXIT.done : EXIT.problems,
      text: (terminal) => renderTriage(triage, terminal),
    };
  }
}
