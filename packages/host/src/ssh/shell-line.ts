import { HostError } from '../errors.ts';

/**
 * One line that a POSIX shell reads back as exactly these words. It is the only place where words become text for a shell.
 *
 * Words keep every character, line breaks and quotes too; none of them is expanded.
 * @throws HostError `HOST_PATH_INVALID` for a NUL byte, which no program can be given
 */
export function shellLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  if (word.includes('\0')) {
    throw new HostError({
      code: 'HOST_PATH_INVALID',
      message: 'an argument of a program must not hold a NUL byte',
      subject: word.slice(0, word.indexOf('\0')),
      hint: 'check where this argument comes from',
    });
  }
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
