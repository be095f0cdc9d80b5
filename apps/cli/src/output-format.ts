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
  if (flagsOf(argv).includes('--json')) return 'json';
  const format = outputFormat(argv);
  return format === 'json' || format === 'yaml' ? format : undefined;
}

/** Whether `-o wide` asks for tables with all of their columns. */
export function isWide(argv: readonly string[]): boolean {
  return documentFormat(argv) === undefined && outputFormat(argv) === 'wide';
}

/** The last value of `--output`. */
function outputFormat(argv: readonly string[]): string | undefined {
  const flags = flagsOf(argv);
  const formats = flags.flatMap((flag, at) => {
    if (flag === '--output' || flag === '-o') return [flags[at + 1]];
    const [, inline] = /^(?:--output=|-o=?)(.+)$/s.exec(flag) ?? [];
    return inline === undefined ? [] : [inline];
  });
  return formats.at(-1);
}

/** Whether `--no-color` is among the arguments. */
export function refusesColour(argv: readonly string[]): boolean {
  return flagsOf(argv).includes('--no-color');
}
