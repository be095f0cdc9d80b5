/** Formats of an answer that are one document: the envelope, on success and on failure. */
export type DocumentFormat = 'json' | 'yaml';

/** The flags in front of `--`. */
function flagsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}

/**
 * The document that `--json` or `--output` asks for; `undefined` for text. Does not use the parser, because the errors of the parser
 * are documents as well.
 */
export function documentFormat(argv: readonly string[]): DocumentFormat | undefined {
  const flags = flagsOf(argv);
  if (flags.includes('--json')) return 'json';
  const formats = flags.flatMap((flag, at) => {
    if (flag === '--output' || flag === '-o') return [flags[at + 1]];
    const [, inline] = /^(?:--output=|-o=?)(.+)$/s.exec(flag) ?? [];
    return inline === undefined ? [] : [inline];
  });
  const format = formats.at(-1);
  return format === 'json' || format === 'yaml' ? format : undefined;
}

/** Whether `--no-color` is among the arguments. */
export function refusesColour(argv: readonly string[]): boolean {
  return flagsOf(argv).includes('--no-color');
}
