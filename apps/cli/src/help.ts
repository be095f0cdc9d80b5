import { Help } from '@oclif/core/help';
import type { Command } from '@oclif/core';
import { EXIT_MEANINGS } from './exit-codes.ts';

/** oclif's help, with the table of exit codes at the end of every page. */
export default class HelpWithExitCodes extends Help {
  protected override formatCommand(command: Command.Loadable): string {
    return `${super.formatCommand(command)}\n\n${this.exitCodes()}`;
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.exitCodes());
  }

  private exitCodes(): string {
    const rows = EXIT_MEANINGS.map(([code, meaning]) => [String(code).padStart(3), meaning] as [string, string]);
    return this.section('EXIT CODES', rows.map(([code, meaning]) => `${code}  ${meaning}`).join('\n'));
  }
}
