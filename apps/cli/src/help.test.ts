import { Config } from '@oclif/core';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import HelpWithExitCodes from './help.ts';

const COLUMNS = 80;
/** In the line that names the whole page. */
const HELP_FLAGS = ['--help', '--verbose'];
/** Two screens of a serial console and a bit. */
const MOST_LINES = 60;

class RecordedHelp extends HelpWithExitCodes {
  readonly lines: string[] = [];

  protected override log(...words: readonly string[]): void {
    this.lines.push(...words.join(' ').split('\n'));
  }
}

const config = await Config.load(fileURLToPath(new URL('..', import.meta.url)));

async function pageOf(id: string, ...more: readonly string[]): Promise<readonly string[]> {
  const help = new RecordedHelp(config, { maxWidth: COLUMNS });
  await help.showHelp([...id.split(':'), ...more]);
  return help.lines;
}

describe('the help of', () => {
  it.each(config.commandIDs)('%s fits on two screens, and --verbose has every flag that it names', async (id) => {
    const [page, whole] = [await pageOf(id), await pageOf(id, '--verbose')];
    expect(page.length).toBeLessThanOrEqual(MOST_LINES);
    // An example is one line: it is pasted.
    expect(page.filter((line) => line.length > COLUMNS && !line.startsWith('  $ '))).toEqual([]);
    const named = (lines: readonly string[]) => new Set(lines.join(' ').match(/--[a-z][a-z-]+/g));
    expect([...named(page)].filter((flag) => !named(whole).has(flag) && !HELP_FLAGS.includes(flag))).toEqual([]);
    // The commands below a command follow.
    const codes = (lines: readonly string[]) => {
      const after = lines.slice(lines.indexOf('EXIT CODES') + 1);
      return after.slice(
        0,
        after.findIndex((line, index) => line === '' || index === after.length - 1),
      );
    };
    expect(codes(page)).toEqual(codes(whole));
    expect(codes(page).length).toBeGreaterThan(5);
  });

  it('all commands is measured', () => {
    expect(config.commandIDs.length).toBeGreaterThan(35);
  });
});
