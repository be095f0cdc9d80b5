import { Help } from '@oclif/core/help';
import type { Command } from '@oclif/core';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './exit-codes.ts';
import { wrap } from './render/text.ts';

const COLUMNS = 80;
/** Of a section. */
const INDENT = 2;

/** A page that fits on two screens is shown whole. */
const MOST_LINES = 60;
/** After the summary, and at the end of the page. */
const BLANK_LINES = 2;
/** Flags of every run, which the longest pages name only. */
const RUN_FLAGS = ['yes', 'verbose', 'dry-run', 'backup-recipient', 'only', 'skip', 'clock-is-right'];

/** What a command can end with that changes nothing. */
const READ_ONLY: readonly ExitCode[] = [EXIT.done, EXIT.bug, EXIT.usage, EXIT.problems, EXIT.refused, EXIT.interrupted];

/**
 * oclif's help, with the exit codes of the command at the end of its page, and no line of prose wider than the terminal.
 *
 * A longer page is shortened: it names the flags of its groups (SSH, AWS, DNS, global) without their descriptions, and where this does
 * not suffice those of every run. With `--verbose` it is whole.
 */
export default class HelpWithExitCodes extends Help {
  #isPage = false;
  #isVerbose = false;

  override async showHelp(argv: string[]): Promise<void> {
    const isVerbose = (word: string): boolean => word === '--verbose' || word === '-v';
    this.#isVerbose = argv.some(isVerbose);
    await super.showHelp(argv.filter((word) => !isVerbose(word)));
  }

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
    const page = this.formatPage(command);
    const above = (this.summary(command)?.split('\n').length ?? 0) + BLANK_LINES;
    const fits = (text: string): boolean => text.split('\n').length + above <= MOST_LINES;
    if (this.#isVerbose || fits(page)) return page;
    const short = this.formatShortPage(command, []);
    return fits(short) ? short : this.formatShortPage(command, RUN_FLAGS);
  }

  /** @param unexplained flags that are named like those of a group */
  private formatShortPage(command: Command.Loadable, unexplained: readonly string[]): string {
    const flags = Object.values(command.flags).filter(({ hidden }) => hidden !== true);
    const groupOf = ({ name, helpGroup }: (typeof flags)[number]): string | undefined =>
      helpGroup ?? (unexplained.includes(name) ? 'RUN' : undefined);
    const groups = Map.groupBy(
      flags.filter((flag) => groupOf(flag) !== undefined),
      (flag) => groupOf(flag) ?? '',
    );
    const own = flags
      .filter((flag) => groupOf(flag) === undefined)
      .map((flag) => [flag.name, { ...flag, description: (flag.description ?? '').split('; ')[0] ?? '' }] as const);
    const usage = `${command.id.replaceAll(':', ' ')} ${Object.values(command.args).map(formOfArg).join(' ')} [FLAGS]`;
    const short = { ...command, usage: usage.replaceAll(/ +/g, ' '), flags: Object.fromEntries(own) };
    const columns = (this.opts.maxWidth ?? COLUMNS) - INDENT;
    const others = [...groups].flatMap(([group, named]) =>
      wrap(`${group}: ${named.map(({ name }) => `--${name}`).join(', ')}`, columns),
    );
    const all = `all in full: ${this.config.bin} ${command.id.replaceAll(':', ' ')} --help --verbose`;
    const more = this.section('MORE FLAGS', [...others, all].join('\n'));
    return this.formatPage(short, { sections: [more], isWriter: isWriter(command) }).replaceAll('\n\n  $ ', '\n  $ ');
  }

  /** @param more sections in front of the exit codes; whether the command writes, where `command` does not have all of its flags */
  private formatPage(
    command: Command.Loadable,
    more: { readonly sections?: readonly string[]; readonly isWriter?: boolean } = {},
  ): string {
    // oclif shows an empty choice for a flag that excludes a hidden flag.
    const page = super
      .formatCommand(command)
      .replaceAll(/\s+\|\s*\]/g, ']')
      .trimEnd();
    const { sections = [], isWriter: writes = isWriter(command) } = more;
    return [this.breakOptions(page), ...sections, this.exitCodes(writes ? undefined : READ_ONLY)].join('\n\n');
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

  /** @param possible default: all */
  private exitCodes(possible: readonly ExitCode[] = EXIT_MEANINGS.map(([code]) => code)): string {
    const rows = EXIT_MEANINGS.filter(([code]) => possible.includes(code)).map(
      ([code, meaning]) => [String(code).padStart(3), meaning] as [string, string],
    );
    return this.section('EXIT CODES', rows.map(([code, meaning]) => `${code}  ${meaning}`).join('\n'));
  }
}

/** A drill asks nothing: what it makes is its own, and --clean removes it. */
function isWriter({ flags }: Command.Loadable): boolean {
  return ['yes', 'clean'].some((flag) => flag in flags);
}

function formOfArg({ name, required }: { readonly name: string; readonly required?: boolean }): string {
  return required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`;
}
