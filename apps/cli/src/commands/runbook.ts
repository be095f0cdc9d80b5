import { Args } from '@oclif/core';
import { type Answer, BaseCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderRunbook } from '../render/runbook.ts';
import { readRunbook, RUNBOOKS } from '../runbook/runbooks.ts';
import type { Results } from '../results.ts';

export default class RunbookCommand extends BaseCommand {
  static override summary = 'Show a runbook: what to do, step by step, without a network.';
  static override description =
    'Lists the runbooks without a name. On a terminal, shows the runbook page by page. Reads nothing of the node and changes nothing.';
  static override examples = ['<%= config.bin %> runbook', '<%= config.bin %> runbook everything-has-expired-kubeadm'];
  static override args = {
    name: Args.string({ description: 'name of the runbook; default: list all', options: [...RUNBOOKS] }),
  };

  protected override async answer(): Promise<Answer<Results['runbook']>> {
    const { args } = await this.parse(RunbookCommand);
    const names = RUNBOOKS.filter((each) => args.name === undefined || each === args.name);
    const runbooks = await Promise.all(names.map((each) => readRunbook(each, this.config.root)));
    const [runbook] = runbooks;
    if (args.name === undefined || runbook === undefined) {
      const rows = runbooks.map(({ name, title }) => ({ name, title }));
      return {
        result: { runbooks: rows },
        exitCode: EXIT.done,
        text: () => rows.map(({ name, title }) => `${name}\n    ${title}`).join('\n'),
      };
    }
    return {
      result: { runbook },
      exitCode: EXIT.done,
      text: (terminal) => renderRunbook(runbook.text, terminal),
      isLong: true,
    };
  }
}
