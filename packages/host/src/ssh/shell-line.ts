import { HostError } from '../errors.ts';

/**
 * Quotes words into one line that a POSIX shell parses back into exactly these words. No other code builds text for a shell.
 *
 * Words keep every character, including line breaks and quotes; the shell expands nothing.
 * @throws HostError `HOST_PATH_INVALID` for a NUL byte, which no argument can contain
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
