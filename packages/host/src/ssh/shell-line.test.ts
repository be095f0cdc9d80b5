import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectCode } from '@kube-rescue/testing';
import { shellLine } from './shell-line.ts';

/** The arguments of a program that a real shell starts with this line. */
function wordsSeen(shell: string, words: readonly string[]): readonly string[] {
  const line = `exec printf '%s\\0' ${shellLine(words)}`;
  return execFileSync(shell, ['-c', line]).toString().split('\0').slice(0, -1);
}

describe('a line for a shell', () => {
  it.each([
    ['spaces and quotes', 'a b', `it's "so"`],
    ['what a shell would expand', '$HOME', '`id`', '$(id)', '*', '~', '!!', '{a,b}'],
    ['what would end a command', ';reboot', '&', '|', '>x', '#'],
    ['line breaks, tabs and a backslash', 'a\nb', '\t', '\\', "\\'"],
    ['an empty word', ''],
    ['bytes beyond ASCII', 'Überraschung', '\u001b[31m'],
  ])('says exactly the words that hold %s', (_, ...words) => {
    for (const shell of ['sh', 'bash']) expect(wordsSeen(shell, words)).toEqual(words);
  });

  it('says exactly the words, whatever they are', () => {
    const word = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
    const words = fc.array(
      word.map((text) => text.toWellFormed()),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(words, (given) => {
        expect(wordsSeen('sh', given)).toEqual(given);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a NUL byte', async () => {
    await expectCode(
      Promise.resolve().then(() => shellLine(['a\0b'])),
      'HOST_PATH_INVALID',
    );
  });
});
