import { CliError } from '../errors.ts';

/**
 * The command behind `--`, with its arguments; `undefined` without `--`.
 * @param argv as it was typed
 * @param words what the parser took for arguments
 * @throws CliError `USAGE` for words without `--`, and for `--` without words
 */
export function commandWords(
  argv: readonly string[],
  words: readonly string[],
): readonly [string, ...string[]] | undefined {
  const at = argv.indexOf('--');
  const [program, ...rest] = at === -1 ? [] : argv.slice(at + 1);
  if (at === -1 && words.length === 0) return undefined;
  if (program !== undefined && words.length === rest.length + 1) return [program, ...rest];
  throw new CliError({
    code: 'USAGE',
    message: at === -1 ? 'unexpected argument' : 'no command behind --',
    subject: words[0] ?? '--',
    hint: 'write the command behind --: `kube-rescue api -- kubectl get nodes`',
  });
}
