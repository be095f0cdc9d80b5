import { Help } from '@oclif/core/help';
import type { Command } from '@oclif/core';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { wrap } from './render/text.ts';

const COLUMNS = 80;

/** oclif's help, with the table of exit codes at the end of every page, and no line of prose wider than the terminal. */
export default class HelpWithExitCodes extends Help {
  #isPage = false;

  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    this.#isPage = true;
    await super.showCommandHelp(command);
    this.#isPage = false;
  }

  protected override summary(command: Command.Loadable): string | undefined {
    const text = super.summary(command);
    return this.#isPage && text !== undefined ? wrap(text, this.opts.maxWidth ?? COLUMNS).join('\n') : text;
  }

  protected override formatCommand(command: Command.Loadable): string {
    // oclif shows an empty choice for a flag that excludes a hidden flag.
    const page = super.formatCommand(command).replaceAll(/\s+\|\s*\]/g, ']');
    return `${this.breakOptions(page)}\n\n${this.exitCodes()}`;
  }

  /** oclif breaks a long choice in the middle of a word. */
  private breakOptions(page: string): string {
    const columns = this.opts.maxWidth ?? COLUMNS;
    return page.replaceAll(/^( *)<options: ([^>]+)>/gm, (_match, indent: string, choice: string) => {
      const words = choice.replaceAll(/\s/g, '').split('|').join('| ').split(' ');
      const lines = wrap(`<options: ${words.join(' ')}>`, columns - indent.length);
      return lines.map((line) => `${indent}${line.replaceAll('| ', '|')}`).join('\n');
    });
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
