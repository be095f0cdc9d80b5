import { type Answer, NodeCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { journalFlags, outputFlags } from '../flags.ts';
import { renderRuns, toRunRow } from '../render/runs.ts';
import type { Results } from '../results.ts';

export default class Runs extends NodeCommand {
  static override summary = 'List the runs whose journals are on this node.';
  static override description =
    'Oldest first, in the order in which they began, whatever the clock said. An interrupted run can be resumed or rolled back. Lists runs whose journal cannot be read with the reason, and exits 3 for them. Changes nothing.';
  static override baseFlags = { ...outputFlags, ...journalFlags };
  static override examples = ['<%= config.bin %> runs', '<%= config.bin %> runs --json'];

  protected override async answer(): Promise<Answer<Results['runs']>> {
    const { flags } = await this.parse(Runs);
    const session = await this.openSession(flags);
    const runs = (await (await session.openRuns()).survey()).map(toRunRow);
    const isWhole = runs.every(({ problem }) => problem === null);
    return {
      result: { runs },
      exitCode: isWhole ? EXIT.done : EXIT.problems,
      text: (terminal) => renderRuns(runs, terminal),
    };
  }
}
