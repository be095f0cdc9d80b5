import { type Answer, NodeCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderRuns, toRunRow } from '../render/runs.ts';

export default class Runs extends NodeCommand {
  static override summary = 'List the runs whose journals are on this node.';
  static override description = 'Oldest first. An interrupted run can be resumed or rolled back. Changes nothing.';
  static override examples = ['<%= config.bin %> runs', '<%= config.bin %> runs --json'];

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(Runs);
    const session = await this.openSession(flags);
    const runs = (await (await session.openRuns()).list()).map(toRunRow);
    return { result: { runs }, exitCode: EXIT.done, text: (terminal) => renderRuns(runs, terminal) };
  }
}
