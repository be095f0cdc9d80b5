import { Args } from '@oclif/core';
import { type Answer, BaseCommand } from '../base-command.ts';
import { listCommands } from '../completion/listed-commands.ts';
import { completionScript, SHELLS } from '../completion/scripts.ts';
import { EXIT } from '../exit-codes.ts';
import type { Results } from '../results.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell.';
  static override description =
    'The script holds every command and flag of this version, and asks the program nothing. Load it in a start-up file of the shell.';
  static override examples = [
    'source <(<%= config.bin %> completion bash)',
    '<%= config.bin %> completion zsh > ~/.zsh/completions/_kube-rescue',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/kube-rescue.fish',
  ];
  static override args = {
    shell: Args.string({ description: 'the shell', options: [...SHELLS], required: true }),
  };

  protected override async answer(): Promise<Answer<Results['completion']>> {
    const { args } = await this.parse(Completion);
    const shell = args.shell as (typeof SHELLS)[number];
    const manifest = Object.fromEntries(this.config.commands.map((command) => [command.id, command]));
    const script = completionScript(shell, listCommands(manifest));
    return { result: { shell, script }, exitCode: EXIT.done, text: () => script.trimEnd() };
  }
}
